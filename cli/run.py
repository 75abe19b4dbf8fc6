"""The main job: checks everything, claims a run number, runs the pipeline, and says what came of it."""

import os
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cli.activate import activate, sign_in
from cli.check import try_on_production
from cli.compose import arguments, compose, groups_of
from cli.crash import told_of
from cli.interrupts import Deferred, interruptible
from cli.main import Exit
from cli.reach import REHEARSAL, reached
from cli.sample import bring_sample
from finetune import runs
from finetune.code_hash import experiment_hash
from finetune.config.experiment import ExperimentConfig
from finetune.config.load import load_config, resolved
from finetune.errors import FinetuneError, GateError, RunError, StorageError
from finetune.experiment import Home
from finetune.functions import NEEDED, Functions, check_functions
from finetune.prepare.alike import Group
from finetune.progress import say
from finetune.runs import Run, Status
from finetune.storage.storage import Held
from finetune.tracking.check import check_tracking
from finetune.versions import versions
from stacks.engine import check_engine
from stacks.files import Stack, load_stack
from stacks.place import place
from stacks.secrets import check_references

LOCAL = "local"
EXITS = {
    Status.COMPLETED: Exit.DONE,
    Status.FAILED: Exit.FAILED,
    Status.STOPPED: Exit.STOPPED,
    Status.RUNNING: Exit.DONE,
    Status.GATED: Exit.FAILED,
}


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for; of a resumed run its record holds the config."""

    stack: str
    config_file: str = ""
    overrides: Sequence[str] = ()
    run_number: int | None = None
    keep: bool = False
    cache: bool = True


@dataclass(frozen=True)
class Work:
    """A run that is about to be done."""

    home: Home
    lock: Held
    """The run's."""
    record: Run
    config: ExperimentConfig
    functions: Functions
    groups: Sequence[Group]
    """The models that share a dataset."""
    stack: Stack
    cache: bool
    again: str | None
    """The command that goes on with it; None if it is on a rehearsal that ends with this process."""


def run(wanted: Wanted) -> int:
    """Runs the experiment; errors before the run number is claimed are raised."""
    say(f"checking config, functions and sources of {wanted.config_file}")
    config = load_config(wanted.config_file, wanted.overrides)
    return run_config(config, wanted)


def run_config(config: ExperimentConfig, wanted: Wanted) -> int:
    """Runs an experiment of which the config is known."""
    began = time.monotonic()
    check_functions(config.functions, NEEDED[config.pipeline])
    stack = load_stack(wanted.stack)
    placed = place(config, root=stack.root, production=stack.production)
    os.environ.update(placed.storage.environment)
    check_references(placed, stack.values)
    check_engine(config, stack)
    check_tracking(config.tracking, placed.tracking)
    with reached(stack.name, keep=wanted.keep) as lasts:
        sign_in(stack)
        bring_sample(config, placed, whole=stack.name != REHEARSAL)
        functions, tried = try_on_production(placed, stack.values)
        say(f"starting ZenML with stack {stack.name}")
        stack = activate(stack)
        home = Home(placed.root, placed.experiment)
        record = _begin(home, placed, wanted, stack)
        with runs.held(home, record.run_number) as lock, interruptible():
            again = _resume_command(record, home, stack) if lasts else None
            groups = groups_of(placed, tried.reads)
            return _carry_out(Work(home, lock, record, placed, functions, groups, stack, wanted.cache, again), began)


def _resume_command(record: Run, home: Home, stack: Stack) -> str:
    """The command that goes on with a run; what is as usual needs no word."""
    usual = stack.root or ExperimentConfig.model_fields["root"].default
    where = [] if home.root == usual else ["--root", home.root]
    on = [] if stack.name == LOCAL else ["--stack", stack.name]
    return shlex.join(["python", "run.py", "resume", record.experiment, str(record.run_number), *where, *on])


def _how_to_go_on(again: str | None) -> str:
    if again is None:
        return "the rehearsal ends with this command, so there is nothing to go on with; with --keep it stays"
    return (
        f"when a function or the data is mended, go on with:\n  {again}\n"
        f"when the config is mended, start a new run; finished steps that it does not touch come from the cache"
    )


def _stopped(again: str | None) -> str:
    if again is None:
        return "stopped, and the rehearsal with it; with --keep it stays"
    return f"stopped; finished steps and copied files are kept. Go on with:\n  {again}"


def _begin(home: Home, config: ExperimentConfig, wanted: Wanted, stack: Stack) -> Run:
    values, code = resolved(config), experiment_hash(config.functions)
    if wanted.run_number is not None:
        return runs.resume(home, wanted.run_number, stack=wanted.stack, config=values, code=code)
    found = versions(stack.values.image if stack.values else None)
    return runs.claim(home, stack=wanted.stack, config=values, versions=found, code=code)


def _carry_out(work: Work, began: float) -> int:
    from cli.aws.served import served
    from cli.leftovers import close_killed, end_leftovers, refuse_leftovers
    from cli.record import write_outcome
    from cli.summary import find_pipeline_run, print_summary

    record = work.record
    say(f"{record.experiment}, run {record.run_number}, on stack {record.stack}")
    if work.stack.values is None:
        end_leftovers(record)
        close_killed(work.home, record)
    else:
        refuse_leftovers(record)
    name = f"{record.experiment}-{record.run_number}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    status, reason = _attempt(name, work)
    if status is Status.RUNNING:
        return EXITS[status]
    pipeline_run = served(lambda: find_pipeline_run(name), say)
    try:
        work.lock.check()
        failed = replace(record, error=reason)
        record = served(lambda: write_outcome(failed, status, work.home, pipeline_run), say)
    except (RunError, StorageError) as error:
        go_on = f"; then go on with:\n  {work.again}" if work.again else ""
        say(f"error: the run is {status}, but its outcome is not recorded: {error}{go_on}")
        return Exit.FAILED
    if record.status is Status.FAILED and work.stack.values is not None:  # of one that ran here it is said already
        say(_how_to_go_on(work.again))
    if record.status in (Status.COMPLETED, Status.GATED) or record.models:
        print_summary(record, work.home, pipeline_run, seconds=time.monotonic() - began)
    return EXITS[record.status]


def _attempt(name: str, work: Work) -> tuple[Status, str]:
    """Runs the pipeline and says why it did not end, if it did not; gives the reason for run.json, too."""
    try:
        return _run_pipeline(name, work), ""
    except KeyboardInterrupt:
        say(_stopped(work.again))
        return Status.STOPPED, ""
    except GateError as error:
        say(f"gated: {str(error).partition(':')[0]}")  # the rules stand in the table
        return Status.GATED, ""
    except FinetuneError as error:
        say(f"error: {error}\n{_how_to_go_on(work.again)}")
        return Status.FAILED, str(error)
    except (Exception, SystemExit) as error:  # SystemExit: a function may call sys.exit
        trace, reason = told_of(error)
        say(f"{trace}\nerror: {reason}\n{_how_to_go_on(work.again)}")
        return Status.FAILED, reason


def _run_pipeline(name: str, work: Work) -> Status:
    """On this machine calling the pipeline runs it; on AWS it is submitted, and followed to its end."""
    pipeline = compose(name, work.home, work.record, work.config, work.groups, work.stack, cache=work.cache)
    called_with = arguments(work.config, work.functions, work.groups)
    if work.stack.values is None:
        pipeline(**called_with)
        return Status.COMPLETED
    from cli.aws.find import how_to_look
    from cli.aws.follow import follow
    from cli.aws.submit import submit

    record = work.record
    commands = how_to_look(f"{record.experiment}/{record.run_number}", record.stack) if work.again else None
    with Deferred(say) as signals:
        submitted = submit(lambda: pipeline(**called_with), say)
        status = follow(submitted.id, say, commands, ready=signals.release)
    if status is Status.STOPPED and work.again is not None:
        say(_stopped(work.again))
    return status
