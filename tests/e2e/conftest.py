import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.workbench import Warm, Workbench, clean_environment


@pytest.fixture(scope="session")
def zenml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One ZenML database for all tests: making one takes seconds."""
    return tmp_path_factory.mktemp("zenml")


@pytest.fixture(scope="session")
def warm(zenml: Path) -> Iterator[Warm]:
    process = Warm(clean_environment(zenml))
    yield process
    process.close()


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, zenml: Path, warm: Warm, request: pytest.FixtureRequest
) -> Workbench:
    """One tiny experiment for all tests of a module."""
    return Workbench.make(tmp_path_factory.mktemp("bench"), zenml, _experiment(request.module.__name__), warm)


@pytest.fixture
def bench(tmp_path: Path, zenml: Path, warm: Warm, request: pytest.FixtureRequest) -> Workbench:
    """A tiny experiment of this test's own."""
    return Workbench.make(tmp_path, zenml, _experiment(request.node.name), warm)


def _experiment(name: str) -> str:
    """A name that differs from those of other tests, because runs of one name share ZenML's records."""
    return f"EXP-1-{'-'.join(re.findall('[a-z0-9]+', name.lower()))[-50:].strip('-')}"
