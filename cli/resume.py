"""`run.py resume EXPERIMENT [N]`: goes on with a run that was stopped, killed or failed, with its own config."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cli.arguments import experiment_parser
from finetune import runs
from finetune.config.experiment import ExperimentConfig
from finetune.config.load import load_config
from finetune.errors import ConfigError, RunError
from finetune.experiment import Home
from finetune.progress import say
from finetune.runs import Run, Status
from finetune.storage.storage import storage_of
from finetune.storage.uri import to_place
from stacks.files import Stack, load_stack

CONFIGS = Path("configs")
ENDED = (Status.COMPLETED, Status.GATED)


def parser() -> argparse.ArgumentParser:
    """The parser of its options."""
    result = experiment_parser(
        "resume", "Goes on with a run: finished steps, copied files and training up to the last checkpoint stay."
    )
    result.add_argument("number", metavar="N", type=int, nargs="?", help="run number (default: the newest)")
    return result


def resume(arguments: Sequence[str]) -> int:
    """Finds the run and goes on with it.

    Raises:
        ConfigError: There is no such experiment, or several have that beginning.
        RunError: There is no such run, or it is completed.
    """
    options = parser().parse_args(arguments)
    with experiment_home(options) as (stack, home):
        from cli.run import Wanted, run_config

        record = unfinished(home, options.number)
        was = "killed, if nobody works on it" if record.status is Status.RUNNING else record.status
        say(f"{record.experiment}, run {record.run_number}: {was}; going on with it")
        config = ExperimentConfig.model_validate(record.config)
        return run_config(config, Wanted(stack.name, run_number=record.run_number, keep=True))


@contextmanager
def experiment_home(options: argparse.Namespace) -> Iterator[tuple[Stack, Home]]:
    """The stack and the home that the arguments of `experiment_parser` name, as long as both are to be reached.

    Raises:
        ConfigError: There is no such stack or experiment, or several have that beginning.
        RunError: The stack is a rehearsal, and none is up.
    """
    from cli.environment import quiet_defaults

    quiet_defaults()
    from cli.activate import sign_in
    from cli.reach import reached

    stack = load_stack(options.stack)
    with reached(stack.name, keep=True):
        sign_in(stack)
        yield stack, find_home(options.experiment, roots(options.root, stack), options.command)


def roots(given: str | None, stack: Stack) -> list[str]:
    """Where homes may lie: as the command says, as the stack says, or as the configs do."""
    said = given or stack.root
    return [said] if said else sorted({ExperimentConfig.model_fields["root"].default, *_roots_of_configs()})


def _roots_of_configs() -> Iterator[str]:
    for file in CONFIGS.glob("*.yaml"):
        try:
            yield load_config(file).root
        except ConfigError:
            continue  # a config that is wrong, or wants a variable, is another experiment's matter


def find_home(experiment: str, places: Sequence[str], command: str) -> Home:
    """The home of the experiment of that name, or of the only one whose name begins with it.

    Raises:
        ConfigError: There is none, or there are several.
    """
    known = [Home(place, name) for place in places for name in storage_of(place).folders(str(to_place(place)))]
    found = [home for home in known if home.experiment == experiment] or [
        home for home in known if home.experiment.startswith(f"{experiment}-")
    ]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(str(home.path) for home in found)
    where = ", ".join(str(to_place(place)) for place in places)
    raise ConfigError(
        f"{command} {experiment}: several homes have that name: {listed}; name one whole, with --root"
        if found
        else f"{command} {experiment}: no experiment in {where} has that name; name its place with --root, or --stack"
    )


def unfinished(home: Home, number: int | None) -> Run:
    """The run of that number, or the newest one.

    Raises:
        RunError: There is no such run, or it is completed or gated.
    """
    numbers = runs.numbers(home)
    if not numbers:
        raise RunError(f"resume {home.experiment}: it has no runs in {home.path}")
    record = runs.read(home, numbers[-1] if number is None else number)
    if record.status in ENDED:
        open_ones = [each for each in numbers if _status(home, each) not in (None, *ENDED)]
        others = f"; not completed: {', '.join(map(str, open_ones))}" if open_ones else ""
        anew = "; to begin a new run: python run.py --config FILE"
        raise RunError(f"resume {home.experiment}: run {record.run_number} is {record.status}{others}{anew}")
    return record


def _status(home: Home, number: int) -> Status | None:
    try:
        return runs.read(home, number).status
    except RunError:
        return None  # a number that was claimed by a process which was killed at once
