"""How often Python looks for garbage in a process that imports a great deal and then ends."""

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS = 100_000


def collect_rarely() -> None:
    """Collects after 100,000 new objects, not 700, and not once more at exit.

    ZenML, torch and transformers make millions of objects that live as long as the process: at every collection, the
    last of which comes at exit, Python walks through them to find nothing. See the gc module, set_threshold and freeze.
    """
    gc.set_threshold(YOUNG_OBJECTS)
    atexit.register(_freeze)


@contextmanager
def set_aside() -> Iterator[None]:
    """Within it no collection walks through what is there already, such as all that imports have made."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _freeze() -> None:
    if "duckdb" not in sys.modules:  # it takes what is not collected for leaks, and says so at length
        gc.freeze()
