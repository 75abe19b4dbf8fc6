"""A real PostgreSQL server for tests, run by an unprivileged user; Debian's, or that of PyPI's pgserver."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.finetune.s3_server import free_port, started

PASSWORD = "open/sesame @1"
_SETTINGS = {"fsync": "off", "listen_addresses": "127.0.0.1", "max_connections": "10", "shared_buffers": "16MB"}


@dataclass(frozen=True)
class Postgres:
    """A server with the user `reader`, who may write too."""

    programs: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql://reader:${{env:LABELS_PASSWORD}}@127.0.0.1:{self.port}/postgres"

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Runs a statement as another client."""
        place = {"host": "127.0.0.1", "port": self.port, "user": "reader", "password": PASSWORD, "dbname": "postgres"}
        with psycopg.connect(**place, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def running(self) -> Iterator[None]:
        """From when it answers until the context ends, when it is killed."""
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        place = ["-D", str(self.folder / "data"), "-k", str(self.folder), "-p", str(self.port)]
        with started([str(self.programs / "postgres"), *place, *settings], self.port, **_unprivileged()):
            yield


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server with an empty database, not yet running; skips the test where there is no PostgreSQL."""
    # a short path, because a socket's may have 107 characters
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        programs = _programs(folder)
        (folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, _unprivileged()["user"], _unprivileged()["group"])
        command = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "reader", "--no-sync", "-E", "UTF8"]
        options = ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--locale=C"]
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, check=False, cwd="/", **_unprivileged()
        )
        if done.returncode:
            pytest.skip(f"PostgreSQL cannot be set up: {done.stderr.strip()}")
        yield Postgres(programs, folder, free_port())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path) -> Path:
    """Debian's, else a copy of the package's: root's environment may be closed to the user who runs the server."""
    if found := sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return found[0].parent
    package = importlib.util.find_spec("pgserver")
    if package is None or package.origin is None:
        pytest.skip("there is no PostgreSQL: install Debian's postgresql or PyPI's pgserver")
    installed = Path(package.origin).parents[1]
    for part in ("pgserver/pginstall", "pgserver.libs"):  # the programs look for their libraries beside the package
        shutil.copytree(installed / part, folder / part, symlinks=True)
    return folder / "pgserver" / "pginstall" / "bin"


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": "nobody", "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
