"""Registers the stack `rehearsal` with its server: `python -m rehearsal.zenml.register FOLDER REGION`.

A process of its own, so that ZenML is imported while the servers start, and not in the caller's process.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from finetune.collector import collect_rarely
from rehearsal.environment import client_environment
from rehearsal.errors import RehearsalError
from rehearsal.settings import SOURCE
from rehearsal.state import State

STACK, WAIT_S = "rehearsal", 90.0


class Registration:
    """The process that registers; it may be started before the rehearsal is up."""

    def __init__(self, folder: Path, region: str) -> None:
        # Settings of the caller's ZenML must not reach it.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ZENML_", "AWS_"))}
        place = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(SOURCE), kept.get("PYTHONPATH")])),
            "ZENML_CONFIG_PATH": str(folder / "zenml" / "client"),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rehearsal.zenml.register", str(folder), region],
            env=kept | place,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self) -> None:
        """Waits until it is done.

        Raises:
            RehearsalError: The stack could not be registered.
        """
        said, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise RehearsalError(f"rehearsal: the stack {STACK} was not registered:\n{said[-2000:]}")

    def cancel(self) -> None:
        """Ends it, should it still run."""
        self._process.kill()
        self._process.wait()


def register(folder: Path, region: str) -> None:
    """Waits until the rehearsal is up, and registers its stack."""
    from stacks.apply import apply

    ends = time.monotonic() + WAIT_S
    while (state := State.load(folder)) is None:
        if time.monotonic() > ends:
            sys.exit(f"no rehearsal came up in {folder}")
        time.sleep(0.05)
    os.environ.update(client_environment(state, region))
    apply(STACK)


if __name__ == "__main__":
    collect_rarely()
    register(Path(sys.argv[1]), sys.argv[2])
