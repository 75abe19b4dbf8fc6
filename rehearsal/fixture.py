"""A rehearsal for a whole test session, as a pytest fixture: `pytest_plugins = ["rehearsal.fixture"]`."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.executor.namespaces import check_namespaces
from rehearsal.session import Rehearsal
from rehearsal.settings import Image, Settings

NEEDED = ("moto", "boto3", "regex", "flask")
IMAGES = {"*": Image()}


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """AWS alone; every image URI stands for this interpreter. Skips where it cannot run."""
    skip_where_refused()
    folder = tmp_path_factory.mktemp("rehearsal") / "home"
    with Rehearsal(folder, Settings(images=IMAGES, stop_grace_s=2.0, sync_s=0.5, zenml=False)) as started:
        yield started


@pytest.fixture(scope="session")
def rehearsal_with_zenml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """AWS and a ZenML server, the stack `rehearsal` registered, its image holding this project."""
    skip_where_refused()
    folder = tmp_path_factory.mktemp("rehearsal") / "home"
    with Rehearsal(folder, Settings(images=IMAGES, stop_grace_s=2.0, sync_s=0.5)) as started:
        yield started


def skip_where_refused() -> None:
    """Skips a test where a package is missing or the kernel refuses namespaces."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        pytest.skip(f"a rehearsal needs {', '.join(missing)} (pip install -r requirements-dev.txt)")
    try:
        check_namespaces()
    except RehearsalError as error:
        pytest.skip(str(error))
