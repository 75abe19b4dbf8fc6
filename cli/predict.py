"""`run.py predict EXPERIMENT N --input PLACE --output PLACE`: asks a registered model about files of ids."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cli.main import Exit
from cli.packaged import Packaged, fetched, find_packaged, packaged_parser, set_option
from finetune.errors import ComputeError, ConfigError, TransformError
from finetune.progress import say
from finetune.transform.outcome import ANSWERS, FAILED, WORK, Outcome, conclude, outcome_at
from finetune.transform.payloads import MB
from finetune.transform.work import Plan, Work
from stacks.files import Stack, load_stack


def predict(arguments: Sequence[str]) -> int:
    """Asks about every record; what an interrupted call has done is not done again. 1 where the model cannot be asked.

    Raises:
        FinetuneError: There is no such model, or the places cannot be used.
    """
    parser = packaged_parser("predict", "Asks a registered model about files of ids.", stack="local")
    set_option(parser, "transform")
    told = "a folder with a folder of files for each id, or JSON Lines (a file, or a folder of *.jsonl)"
    parser.add_argument("--input", metavar="PLACE", required=True, help=told)
    parser.add_argument("--output", metavar="PLACE", required=True, help="folder or S3 prefix for answers and failures")
    options = parser.parse_args(arguments)
    from cli.environment import quiet_defaults

    quiet_defaults()
    stack = load_stack(options.stack)
    if stack.values is not None:
        _reach(stack, options.output)
    model = find_packaged(options, stack, "transform")
    try:
        outcome = _predicted(model, stack, options.input, options.output)
    except (ComputeError, TransformError) as error:
        print(f"error: {error}\nwhat is done stays; go on with the same command", file=sys.stderr)
        return Exit.FAILED
    say(f"{outcome.answered:,} of {outcome.records:,} records answered: {options.output.rstrip('/')}/{ANSWERS}")
    if outcome.failed:
        say(f"{outcome.failed:,} without an answer, each with its reason: {options.output.rstrip('/')}/{FAILED}")
    return Exit.DONE


def _reach(stack: Stack, output: str) -> None:
    from cli.activate import sign_in
    from cli.aws.find import reach
    from finetune.storage.uri import is_s3

    if not is_s3(output):
        raise ConfigError(f"--output: must be a prefix in S3 with --stack {stack.name}, but got {output}")
    reach(stack.name)
    sign_in(stack)


def _predicted(model: Packaged, stack: Stack, source: str, target: str) -> Outcome:
    from finetune.storage.storage import storage_of
    from finetune.storage.uri import join
    from finetune.transform.packaged import files_of_instances
    from finetune.transform.records import records_in

    place = target.rstrip("/") if "://" in target else str(Path(target).absolute())
    asked = source if "://" in source else str(Path(source).absolute())
    what = f"{asked} by {model.home.experiment}/{model.number} ({model.facts['package']['sha256'][:12]})"
    known = outcome_at(place, what)
    if known is not None:
        say("all of it was done by an earlier call")
        return known
    settings = model.config.transform
    with fetched(model, Path(tempfile.mkdtemp(prefix="predict-"))) as package:
        storage_of(place).claim(place)
        work = Work(join(place, WORK))
        records = records_in(asked, files_of_instances(package))
        most = settings.max_payload_mb * MB
        plan = work.planned(what, records, per_file=settings.records_per_file, most_bytes=most)
        _ask(model, stack, work, plan, package)
        return conclude(place, work, plan)


def _ask(model: Packaged, stack: Stack, work: Work, plan: Plan, package: Path) -> None:
    todo, settings = work.todo(plan), model.config.transform
    if not todo:
        return
    say(f"{plan.records:,} records; {len(todo)} of {plan.parts} files of them are left to do")
    if stack.values is None:
        from finetune.transform.here import ask_here

        ask_here(work, todo, package, settings)
        return
    from operators.transform import Wanted, ask_sagemaker
    from stacks.account import account_clients, account_settings

    wanted = Wanted(
        stem=f"{model.home.experiment}-{model.number}",
        package=model.package,
        image=model.image or stack.values.image,
        account=account_settings(stack.values, model.home.root),
        settings=settings,
        tags={"finetune:experiment": model.home.experiment, "finetune:run": str(model.number)},
    )
    ask_sagemaker(account_clients(stack.values), work, todo, wanted, say)
