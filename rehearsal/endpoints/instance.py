"""One instance that serves a model: its container runs the image's program `serve`, and answers /ping and /invocations.

All containers share this machine's network, so each is told a port of its own by SAGEMAKER_BIND_TO_PORT.
"""

import shutil
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from finetune.errors import ServeError
from finetune.serving.archive import unpack
from rehearsal.account import Account
from rehearsal.errors import ClientFault
from rehearsal.jobs import hosts as machines
from rehearsal.logs import LogStream
from rehearsal.models import Model
from rehearsal.uri import split

MODEL = "/opt/ml/model"
PING_S = 2.0
POOL = 32
"""Connections kept to one container: as many invocations may wait for it at once without making new ones."""


@dataclass(frozen=True)
class Tenant:
    """Whose container it is: the name that limits mean, and where the model's credentials are told."""

    name: str
    credentials: str


class Instance:
    """A container that has been started. `folder` is its own, made anew."""

    def __init__(
        self,
        account: Account,
        owner: str,
        model: Model,
        folder: Path,
        log: tuple[str, str],
        variables: dict[str, str],
    ) -> None:
        """Brings the model and starts `serve`; its lines go to the CloudWatch group and stream `log`.

        Raises:
            ClientFault: The model cannot be brought.
        """
        self._account, self._folder, self.stream_name = account, folder, log[1]
        self._host = machines.make_hosts(folder, 1, model.image, (MODEL,))[0]
        if model.data is not None:
            _unpack(account, model.data, self._host.path(MODEL))
        self._lock, self._closed = threading.Lock(), False
        self._port = _free_port()
        told = {**model.environment, **variables, "SAGEMAKER_BIND_TO_PORT": str(self._port)}
        tenant = Tenant(owner, f"Model/{model.name}")
        self._container = machines.start(account, tenant, self._host, model.image, model.image.serve, told)
        self._log = LogStream(account.logs, *log, self._container.log, lambda line: None)
        self._http = urllib3.HTTPConnectionPool("127.0.0.1", self._port, maxsize=POOL, retries=False)

    def is_healthy(self) -> bool:
        """Whether it answers /ping with 200 within two seconds."""
        try:
            return bool(self._http.request("GET", "/ping", timeout=PING_S).status == 200)
        except urllib3.exceptions.HTTPError:
            return False

    def has_ended(self) -> bool:
        """Whether the container is gone."""
        return self._container.exit_code() is not None

    def invoke(self, body: bytes, headers: dict[str, str], timeout_s: float) -> Any:
        """The container's answer to /invocations, whole.

        Raises:
            urllib3.exceptions.HTTPError: It does not answer, or not in time.
        """
        return self._http.request("POST", "/invocations", body=body, headers=headers, timeout=timeout_s)

    def pump(self) -> None:
        """Sends its new lines to CloudWatch."""
        with self._lock:
            if not self._closed:
                self._log.pump()

    def end(self) -> None:
        """SIGTERM, the grace, SIGKILL; its last lines are sent and its folder is removed."""
        self._container.stop()
        ends = time.monotonic() + self._account.settings.stop_grace_s
        while not self.has_ended() and time.monotonic() < ends:
            time.sleep(0.05)
        self._container.end()
        with self._lock:
            self._closed = True
            self._log.pump(last=True)
        self._http.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _unpack(account: Account, uri: str, folder: Path) -> None:
    """Unpacks a model.tar.gz; one that would write elsewhere is refused."""
    bucket, key = split(uri)
    file = folder.parent / "model.tar.gz"
    try:
        account.storage.client.download_file(bucket, key, str(file))
        unpack(file, folder)
    except ServeError as error:
        raise ClientFault(f"Failed to extract model data archive from URL {uri}: {error}") from error
    except Exception as error:
        raise ClientFault(f"Failed to download model data from URL {uri}: {error}") from error
    file.unlink()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
