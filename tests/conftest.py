import os
import signal
from pathlib import Path

import pytest

from finetune.collector import collect_rarely

PROCESSES = 4
"""At most: many tests start jobs, servers and browsers of their own."""
LONG = ("e2e", "operators", "cli/aws", "rehearsal", "stacks")
"""Folders whose files take longest: first, or one of them would keep a single core busy at the end."""


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C and hands that down; here processes are sent one, and must hear it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    collect_rarely()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """All tests are divided among processes by file; single files run in this one, which starts at once.

    There is one more than cores: who rehearses waits for jobs and servers much of the time.
    """
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return min(PROCESSES, (os.cpu_count() or 1) + 1) if whole else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the long files first; within a file the order stays."""
    here = Path(__file__).parent
    items.sort(key=lambda item: not item.path.relative_to(here).as_posix().startswith(LONG))
