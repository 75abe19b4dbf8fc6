"""The commands of `python -m rehearsal`: up, down, status, interrupt, fire."""

import argparse
import json
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.running import find, is_alive
from rehearsal.session import STOP_S, Rehearsal, ask
from rehearsal.settings import Image, Settings
from rehearsal.state import State
from rehearsal.zenml.account import LOGIN

FOLDER = Path("outputs/rehearsal")


def main(arguments: Sequence[str]) -> int:
    """Runs one command; gives the exit code."""
    given = _parser().parse_args(arguments)
    try:
        if given.command == "up":
            return up(given.folder, given.images, keep=given.keep, zenml=given.zenml)
        if given.command == "down":
            return down(given.folder)
        if given.command == "status":
            return status(given.folder)
        return fire(given.folder, given.schedule) if given.command == "fire" else interrupt(given.folder, given.job)
    except RehearsalError as error:
        print(error, file=sys.stderr)
        return 1


def up(folder: Path, images: Path | None, *, keep: bool, zenml: bool) -> int:
    """Starts a rehearsal, says how to use it, and stays until it is ended; with `keep` returns and leaves it."""
    # SIGTERM ends it as Ctrl-C does, and both do so where a shell has started it in the background.
    for end in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end, signal.default_int_handler)
    rehearsal = Rehearsal(folder, Settings(images=read_images(images), zenml=zenml), lasting=keep)
    try:
        rehearsal.start()
        _say_how(rehearsal, keep=keep)
        if keep:
            return 0
        rehearsal.wait()
    except KeyboardInterrupt:
        print("ending the rehearsal", file=sys.stderr)
    rehearsal.stop()
    return 0


def down(folder: Path) -> int:
    """Ends a rehearsal, with all its jobs, and removes its folder."""
    state = _state(folder)
    os.kill(state.pid, signal.SIGTERM)
    ends = time.monotonic() + STOP_S
    while is_alive(state.pid):
        if time.monotonic() > ends:
            os.kill(state.pid, signal.SIGKILL)
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{folder}: ended and removed")
    return 0


def status(folder: Path) -> int:
    """Says where it serves and what runs."""
    state = _state(folder)
    print(f"{state.endpoint} (process {state.pid}), folder {state.folder}")
    jobs = ask(state.endpoint, "jobs")["jobs"]
    for job in jobs:
        print(f"{job['kind'].lower()} job {job['name']}: {job['status']}")
    if not jobs:
        print("no job runs")
    return 0


def interrupt(folder: Path, job: str) -> int:
    """Takes a spot training job's instances away."""
    ask(_state(folder).endpoint, f"interrupt/{job}")
    print(f"{job}: its spot instances are being taken away")
    return 0


def fire(folder: Path, schedule: str) -> int:
    """Lets a schedule start its pipeline now: time itself fires none."""
    print(f"{schedule}: started {ask(_state(folder).endpoint, f'fire/{schedule}')['execution']}")
    return 0


def read_images(file: Path | None) -> dict[str, Image]:
    """The images of a JSON file: URI -> {"files": {...}, "python": ...}; without a file every URI is this interpreter.

    Raises:
        RehearsalError: The file cannot be read.
    """
    if file is None:
        return {"*": Image()}
    try:
        return {uri: Image(**image) for uri, image in json.loads(file.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RehearsalError(f"rehearsal: --images {file}: {error}; see rehearsal/README.md for its form") from error


def _say_how(rehearsal: Rehearsal, *, keep: bool) -> None:
    """Prints the environment of a client, how to look and how to end it."""
    for name, value in rehearsal.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    if rehearsal.dashboard:
        print(f"# dashboard: {rehearsal.dashboard} ({LOGIN})")
    print(f"# bucket {rehearsal.settings.bucket}, role {rehearsal.settings.role_arn}")
    print(f"# look: python -m rehearsal status --folder {rehearsal.folder}")
    print(f"# end:  python -m rehearsal down --folder {rehearsal.folder}{'' if keep else ', or Ctrl-C'}", flush=True)


def _state(folder: Path) -> State:
    state = find(folder)
    if state is None:
        raise RehearsalError(f"rehearsal: none is up in {folder}; start one with `python -m rehearsal up`")
    return state


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description="SageMaker's API on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    helps = {
        "up": "start one and stay until Ctrl-C",
        "down": "end it and remove its folder",
        "status": "say where it serves and what runs",
        "interrupt": "take a spot training job's instances away",
        "fire": "let a schedule of EventBridge start its pipeline now",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--folder", type=Path, default=FOLDER, help=f"where everything lies (default {FOLDER})")
        if name == "up":
            command.add_argument("--keep", action="store_true", help="leave it running, and return")
            command.add_argument(
                "--no-zenml", action="store_false", dest="zenml", help="AWS alone, up in half the time"
            )
            command.add_argument("--images", type=Path, help="JSON: image URI -> what runs (default: this interpreter)")
        if name == "interrupt":
            command.add_argument("job", help="name of the training job")
        if name == "fire":
            command.add_argument("schedule", help="name of the schedule, as `aws scheduler list-schedules` shows it")
    return parser
