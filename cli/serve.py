"""`run.py serve EXPERIMENT N`: serves a run's model on this machine's loopback, from its package and with its code."""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cli.arguments import experiment_parser
from finetune import runs
from finetune.experiment import Home
from finetune.progress import say
from finetune.registry.facts import PACKAGE, check_package, versions
from stacks.files import load_stack

LOOPBACK, PORT = "127.0.0.1", 8080


def parser() -> argparse.ArgumentParser:
    """The parser of its options."""
    result = experiment_parser(
        "serve", "Serves a run's model on this machine: GET /ping, POST /invocations. Ctrl-C ends it."
    )
    result.add_argument("number", metavar="N", type=int, help="run number")
    result.add_argument("--port", type=int, default=PORT, help=f"on {LOOPBACK}; 0: a free one (default: {PORT})")
    return result


def serve(arguments: Sequence[str]) -> int:
    """Finds the model's package, or packs one of a run that is not registered, and becomes its server.

    Raises:
        ConfigError: There is no such experiment, or several have that beginning.
        RunError: There is no such run.
        FinetuneError: The run has no model, or its files are gone.
    """
    options = parser().parse_args(arguments)
    from cli.environment import quiet_defaults

    quiet_defaults()
    from cli.activate import sign_in
    from cli.reach import reached
    from cli.resume import find_home, roots
    from finetune.serving.start import become_server, unpacked

    stack = load_stack(options.stack)
    with (
        reached(stack.name, keep=True),
        tempfile.TemporaryDirectory(prefix="serve-") as scratch,
    ):
        sign_in(stack)
        home = find_home(options.experiment, roots(options.root, stack), options.command)
        folder = unpacked(_package(home, options.number, Path(scratch, PACKAGE)))
    become_server(folder, LOOPBACK, options.port, remove=True)


def _package(home: Home, number: int, scratch: Path) -> Path:
    """The registered package, brought to `scratch` where the home is in S3; else one that is packed there."""
    if number in versions(home):
        check_package(home, number)
        place = str(home.model(number) / PACKAGE)
        if isinstance(home.path, Path):
            return Path(place)
        home.storage.fetch(place, scratch)
        return scratch
    from finetune.serving.of_run import package_of_run

    run = runs.read(home, number)
    say(f"run {number} of {home.experiment} is not registered: packing its model with the code as it is now")
    return package_of_run(home, run, scratch).path
