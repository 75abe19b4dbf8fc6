"""The hosts of a job: one folder, view and container each, with the names algo-1, algo-2, ..."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rehearsal.account import Account
from rehearsal.errors import ClientFault
from rehearsal.executor.container import Container, Spec
from rehearsal.executor.memory import KILLED
from rehearsal.executor.view import View
from rehearsal.images import needed_by
from rehearsal.jobs.job import Job
from rehearsal.limits import of_job
from rehearsal.logs import LogStream
from rehearsal.settings import Image, always_hidden

# Below these a job writes much: they become small when a full disk is rehearsed.
WRITTEN = ("/opt/ml/model", "/opt/ml/checkpoints", "/opt/ml/output/data", "/opt/ml/processing/output", "/tmp")


class Tenant(Protocol):
    """Whose host it is: a job, or a model that is served."""

    @property
    def name(self) -> str:
        """The name that limits mean."""

    @property
    def credentials(self) -> str:
        """KIND/NAME of what has the role, as the rehearsal's own address of credentials takes it."""


@dataclass(frozen=True)
class Host:
    """One host's name and folder; `ml` stands for /opt/ml."""

    name: str
    folder: Path

    @property
    def ml(self) -> Path:
        """The folder that the job sees as /opt/ml."""
        return self.folder / "ml"

    def path(self, inside: str) -> Path:
        """Where a path below /opt/ml, as the job sees it, lies on this machine.

        Raises:
            ClientFault: It lies elsewhere.
        """
        clean = Path(os.path.normpath(inside))
        if not clean.is_relative_to("/opt/ml"):
            raise ClientFault(f"local path {inside}: the rehearsal serves paths below /opt/ml only")
        return self.ml / clean.relative_to("/opt/ml")

    def write_config(self, inside: str, values: Any) -> None:
        """Writes one of the platform's JSON files."""
        file = self.path(inside)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))


def make_hosts(folder: Path, count: int, image: Image, folders: tuple[str, ...]) -> list[Host]:
    """Makes the folders of all hosts, with the image's files and the empty folders below /opt/ml."""
    hosts = [Host(f"algo-{number}", folder / f"algo-{number}") for number in range(1, count + 1)]
    for host in hosts:
        for name in ("tmp", "home", "ml"):
            (host.folder / name).mkdir(parents=True)
        names = [f"127.0.1.{number} {other.name}" for number, other in enumerate(hosts, start=1)]
        (host.folder / "hosts").write_text("\n".join(["127.0.0.1 localhost", *names]) + "\n")
        for number, source in enumerate(image.files.values()):
            shutil.copytree(source, host.folder / f"image-{number}", symlinks=True)
        for inside in folders:
            host.path(inside).mkdir(parents=True, exist_ok=True)
    return hosts


def start(
    account: Account, job: Tenant, host: Host, image: Image, command: list[str], environment: dict[str, str]
) -> Container:
    """Starts one host."""
    credentials = f"{account.endpoint}/_rehearsal/credentials/{job.credentials}"
    given = {
        "PATH": f"{Path(image.python).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "HOSTNAME": host.name,
        **image.environment,
        **environment,
        "AWS_REGION": account.settings.region,
        "AWS_ENDPOINT_URL": account.endpoint,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": credentials,
    }
    spec = Spec(
        hostname=host.name,
        command=command,
        environment=given,
        view=_view(account, job, host, image),
        folder=image.folder,
        memory_mb=of_job(account.limits.memory_mb, job.name),
    )
    return account.start(spec, host.folder / "container")


def follow(
    account: Account, job: Job, host: Host, container: Container, started: int, on_line: Callable[[str], None]
) -> LogStream:
    """The host's stream in CloudWatch."""
    return LogStream(account.logs, job.kind.log_group, f"{job.name}/{host.name}-{started}", container.log, on_line)


def ran_out_of_memory(container: Container) -> bool:
    """Whether one of its processes was killed for memory."""
    return KILLED.encode() in container.log.read_bytes()


def _view(account: Account, job: Tenant, host: Host, image: Image) -> View:
    places = {
        "/opt/ml": host.ml,
        "/tmp": host.folder / "tmp",
        "/root": host.folder / "home",
        "/etc/hosts": host.folder / "hosts",
        **{inside: host.folder / f"image-{number}" for number, inside in enumerate(image.files)},
    }
    disk = of_job(account.limits.disk_mb, job.name)
    return View(
        places={inside: str(source) for inside, source in places.items()},
        hidden=sorted({*always_hidden(account.folder), *account.settings.hidden} - places.keys()),
        kept=needed_by(image),
        small={}
        if disk is None
        else {inside: disk for inside in WRITTEN if inside == "/tmp" or host.path(inside).is_dir()},
    )
