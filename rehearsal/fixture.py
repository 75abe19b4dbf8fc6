"""A rehearsal for a whole test session, as a pytest fixture: `pytest_plugins = ["rehearsal.fixture"]`."""

from collections.abc import Iterator

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.executor.namespaces import check_namespaces
from rehearsal.needed import check_packages
from rehearsal.session import Rehearsal
from rehearsal.settings import Image, Settings


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """AWS alone; every image URI stands for this interpreter. Skips where it cannot run."""
    skip_where_refused()
    folder = tmp_path_factory.mktemp("rehearsal") / "home"
    with Rehearsal(folder, Settings(images={"*": Image()}, stop_grace_s=2.0, sync_s=0.5, zenml=False)) as started:
        yield started


def skip_where_refused() -> None:
    """Skips a test where a package is missing or the kernel refuses namespaces."""
    try:
        check_packages()
        check_namespaces()
    except RehearsalError as error:
        pytest.skip(str(error))
