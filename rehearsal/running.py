"""The rehearsal that is up in a folder, or a new one where none is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.session import Rehearsal, ask
from rehearsal.settings import Settings
from rehearsal.state import State
from rehearsal.zenml.image import refresh_image


@dataclass(frozen=True)
class Running:
    """A rehearsal that serves."""

    state: State
    region: str
    lasts: bool
    """It goes on when its user is done with it."""


def find(folder: Path) -> State | None:
    """What is known of the rehearsal that is up in a folder; None if there is none.

    Raises:
        RehearsalError: The one that was up has been killed.
    """
    state = State.load(folder)
    if state is None:
        return None
    if not is_alive(state.pid):
        raise RehearsalError(f"rehearsal: the one in {folder} was killed; remove the folder")
    if ask(state.endpoint, "folder")["folder"] != state.folder:
        raise RehearsalError(f"rehearsal: the one in {folder} was killed, its port is another's; remove the folder")
    return state


def is_alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A process that has ended stays until its parent asks for its exit code.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


@contextmanager
def running(folder: Path, *, keep: bool) -> Iterator[Running]:
    """Uses the rehearsal that is up in the folder, with the project's code as it is now; else starts one.

    What it has started it also ends, unless `keep`.

    Raises:
        RehearsalError: None can be started, or the one that was up has been killed.
    """
    state = find(folder)
    if state is not None:
        settings = Settings.load(folder / "settings.json")
        refresh_image(Path(settings.project), folder / "image")
        yield Running(state, settings.region, lasts=True)
        return
    started = Rehearsal(folder, lasting=keep)
    started.start()
    try:
        yield Running(started.state, started.settings.region, lasts=keep)
    finally:
        if not keep:
            started.stop()
