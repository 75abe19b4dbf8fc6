"""Trackers for real: an MLflow server on loopback, and addresses that refuse, hang, or answer 500."""

import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from finetune.tracking.settings import Mlflow, Tracking, Wandb

Track = Callable[..., Tracking]


class Server:
    """An MLflow server of its own, which can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        store, files = f"sqlite:///{self._folder}/mlflow.db", str(self._folder / "files")
        options = ["--host", "127.0.0.1", "--port", str(self._port), "--workers", "1"]
        places = ["--backend-store-uri", store, "--artifacts-destination", files]
        command = [sys.executable, "-m", "mlflow", "server", *options, *places]
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **quiet}, stdout=log, stderr=log, start_new_session=True, cwd=self._folder
            )
        ends = time.monotonic() + 90
        while not answers(f"{self.uri}/health"):
            if time.monotonic() > ends or self._process.poll() is not None:
                raise RuntimeError((self._folder / "server.log").read_text(encoding="utf-8"))
            time.sleep(0.1)

    def kill(self) -> None:
        """With its workers, as a machine that is gone."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = Server(tmp_path_factory.mktemp("mlflow"))
    found.start()
    yield found
    found.kill()


@contextmanager
def hanging() -> Iterator[str]:
    """Takes every call and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


class _Failing(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while line := self.rfile.readline().strip():
            self.server.heard.append(line.decode())
        self.wfile.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@contextmanager
def failing(heard: list[str] | None = None) -> Iterator[str]:
    """Answers every call with 500; `heard` gets the lines of the calls' heads."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Failing) as server:
        server.daemon_threads, server.heard = True, [] if heard is None else heard
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def refusing() -> Iterator[str]:
    """Nobody listens."""
    yield f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def track(tmp_path: Path) -> Track:
    """What a step of run 7 tracks."""

    def track(mlflow: str | None = None, wandb: Wandb | None = None, step: str = "train", **more: Any) -> Tracking:
        (scratch := tmp_path / "scratch").mkdir(exist_ok=True)
        known: dict[str, Any] = {
            "experiment": "EXP-1-words",
            "run_number": 7,
            "started": "2026-11-20T10:00:00+00:00",
            "step": step,
            "parameters": {"train.epochs": 3, "production.labels.url": "${env:DB}"},
            "run": str(tmp_path / "run"),
            "local": str(tmp_path / "run"),
            "scratch": str(scratch),
            "mlflow": Mlflow(mlflow) if mlflow else None,
            "wandb": wandb,
        }
        return Tracking(**{**known, **more})

    return track
