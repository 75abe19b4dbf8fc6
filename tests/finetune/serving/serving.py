"""A server in a process of its own, on a free port."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

ROOT = Path(__file__).parents[3]


class Server(NamedTuple):
    """A server that serves."""

    process: subprocess.Popen[str]
    said: list[str]
    """Its lines until now, stderr among them."""
    client: httpx.Client

    def post(self, content: bytes | str, kind: str = "application/json", **headers: str) -> httpx.Response:
        """Sends a request."""
        return self.client.post("/invocations", content=content, headers={"content-type": kind, **headers})

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(30)


def command(package: Path, *options: str) -> list[str]:
    """Serves a package as the image's program does."""
    return [sys.executable, "-m", "finetune.serving.start", str(package), "--host", "127.0.0.1", *options]


def environment(**more: str) -> dict[str, str]:
    """That of a process which finds the project."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def served(package: Path, cwd: Path, **variables: str) -> AbstractContextManager[Server]:
    """Serves a package until the end of the context."""
    return serving(command(package, "--port", "0"), cwd, environment(TMPDIR=str(cwd), **variables))


@contextmanager
def serving(command: list[str], cwd: Path, environment: dict[str, str]) -> Iterator[Server]:
    """Runs a command that serves until the end of the context."""
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    try:
        for line in process.stdout or ():
            said.append(line)
            if found := re.search(r"serving on (http\S+)", line):
                threading.Thread(target=lambda: said.extend(process.stdout or ()), daemon=True).start()
                with httpx.Client(base_url=found[1], timeout=60, trust_env=False) as client:
                    yield Server(process, said, client)
                return
        raise RuntimeError(f"the server ended with {process.wait()}:\n{''.join(said)}")
    finally:
        process.kill()
        process.wait()
