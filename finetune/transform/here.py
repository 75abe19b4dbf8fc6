"""A transform on this machine: processes of the program that endpoints and SageMaker's transform jobs run, too."""

import ctypes
import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

from finetune.config.transform import TransformConfig
from finetune.errors import TransformError
from finetune.progress import track
from finetune.source.roots import PROJECT_ROOT
from finetune.transform.payloads import MB
from finetune.transform.transformed import Ways, transformed
from finetune.transform.work import Work

SERVING = re.compile(r"serving on http://[^:]+:(\d+)")
LINES = "application/jsonlines"
PR_SET_PDEATHSIG = 1
"""Of Linux's prctl."""
_LIBC = ctypes.CDLL(None)
LAST_LINES, END_S, PING_S = 20, 30.0, 0.05


class Server:
    """One process that serves a package on a port of its own."""

    def __init__(self, package: Path, cores: int, payload_mb: int) -> None:
        """Starts it and waits until it serves.

        Raises:
            TransformError: It ended; the message has its last lines.
        """
        command = [sys.executable, "-m", "finetune.serving.start", str(package), "--host", "127.0.0.1", "--port", "0"]
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(cores),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH")])),
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(payload_mb),
        }
        self._process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        self._lines: list[str] = []
        self.port = self._port()
        threading.Thread(target=self._read, daemon=True).start()
        self._await_health()

    def ask(self, body: bytes) -> bytes:
        """Its answer to a request of JSON Lines.

        Raises:
            TransformError: It refuses the whole request, or is gone.
        """
        client = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            client.request("POST", "/invocations", body, {"Content-Type": LINES, "Accept": LINES})
            answer = client.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise TransformError(f"the model's process does not answer ({error!r}){self._told()}") from error
        finally:
            client.close()
        if answer.status != 200:
            raise TransformError(
                f"the model refuses a request: {answer.status} {content[:500].decode(errors='replace')}"
            )
        return content

    def end(self) -> None:
        """Ends it."""
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _await_health(self) -> None:
        """It tells its port before it listens."""
        while True:
            client = http.client.HTTPConnection("127.0.0.1", self.port)
            try:
                client.request("GET", "/ping")
                if client.getresponse().status == 200:
                    return
            except OSError:
                if self._process.poll() is not None:
                    raise TransformError(f"the model's process ended{self._told()}") from None
            finally:
                client.close()
            time.sleep(PING_S)

    def _port(self) -> int:
        for line in self._process.stdout or ():
            self._lines.append(line)
            found = SERVING.search(line)
            if found:
                return int(found[1])
        raise TransformError(f"the model's process ended with exit code {self._process.wait()}{self._told()}")

    def _read(self) -> None:
        """Its pipe must not fill up."""
        for line in self._process.stdout or ():
            self._lines = [*self._lines[-LAST_LINES:], line]

    def _told(self) -> str:
        return "; its last lines:\n" + "".join(self._lines[-LAST_LINES:]) if self._lines else ""


def ask_here(work: Work, todo: Sequence[str], package: Path, settings: TransformConfig) -> None:
    """Asks about each file and writes its output, whole; those that are done stay where a later one fails.

    Args:
        work: The transform's folder.
        todo: Names of the files without an output.
        package: The model.tar.gz.
        settings: The config's section.

    Raises:
        TransformError: The model cannot be served, or refuses what it is asked.
    """
    ways = Ways(
        split=True,
        assemble=True,
        single=settings.strategy == "SingleRecord",
        most_bytes=settings.max_payload_mb * MB,
        input_filter=settings.input_filter,
        output_filter=settings.output_filter,
        join=settings.join_source == "Input",
    )
    count = min(settings.instance_count, len(todo))
    with _servers(package, count, settings.max_payload_mb) as servers:
        free: Queue[Server] = Queue()
        for server in servers * settings.max_concurrent:
            free.put(server)

        def one(part: str) -> None:
            server = free.get()
            try:
                output = transformed(work.storage.read(work.input(part)) or b"", ways, server.ask)
                work.storage.write(work.output(part), output or b"")
            finally:
                free.put(server)

        pool = ThreadPoolExecutor(count * settings.max_concurrent)
        try:
            for _ in track(pool.map(one, todo), "transform", len(todo), "file"):
                pass
        finally:
            pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Asks Linux to end this process with the one that started it, also where that is killed."""
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def _servers(package: Path, count: int, payload_mb: int) -> Iterator[list[Server]]:
    cores = max(1, len(os.sched_getaffinity(0)) // max(1, count))
    servers: list[Server] = []
    try:
        for _ in range(count):
            servers.append(Server(package, cores, payload_mb))
        yield servers
    finally:
        for server in servers:
            server.end()
