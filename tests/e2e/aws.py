"""A tiny experiment on AWS, as a rehearsal serves it: run.py with stacks/sagemaker.yaml, and faults on request."""

import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from finetune.storage.publish import publish
from rehearsal import Rehearsal, Settings
from tests.checkout import put_rooms
from tests.e2e.workbench import REPOSITORY, Workbench
from tests.finetune.s3_server import environment

WAIT = 480.0
OF_THE_STACK_FILE = ("FINETUNE_BUCKET", "FINETUNE_ROLE", "FINETUNE_IMAGE", "AWS_REGION", "AWS_DEFAULT_REGION")
"""What stacks/sagemaker.yaml reads from the environment: needed to submit a run, not to look at one."""


class Gateway:
    """What stands between all clients and ZenML's server; while it is away, nobody answers at its port."""

    def __init__(self, port: int) -> None:
        self._to, self._open = port, list[socket.socket]()
        self._listening = self._listen(0)
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def away(self, seconds: float) -> None:
        """Cuts all connections and refuses new ones for a while."""
        self.close()
        time.sleep(seconds)
        self._listening = self._listen(self.port)
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def close(self) -> None:
        """Stops listening and cuts what is open."""
        for each in [self._listening, *self._open]:
            _cut(each)
        self._open.clear()

    def _listen(self, port: int) -> socket.socket:
        return socket.create_server(("127.0.0.1", port), backlog=128)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                theirs, _ = listening.accept()
            except OSError:
                return
            ours = socket.create_connection(("127.0.0.1", self._to))
            self._open += [theirs, ours]
            threading.Thread(target=_pass_on, args=(theirs, ours), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    try:
        while True:
            for ready in select.select([one, other], [], [])[0]:
                content = ready.recv(65536)
                if not content:
                    return
                (other if ready is one else one).sendall(content)
    except (OSError, ValueError):
        return
    finally:
        _cut(one)
        _cut(other)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


class Running:
    """A run.py whose lines are read as they come."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process, self.lines = process, list[str]()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def until(self, words: str) -> None:
        """Waits until this has been said."""
        until(lambda: words in self.said or self.process.poll() is not None, lambda: self.said)
        assert words in self.said, self.said

    def end(self) -> int:
        """Its exit code."""
        code = self.process.wait(WAIT)
        self._reader.join(WAIT)
        return code


def until(there: Callable[[], bool], instead: Callable[[], str] = str) -> None:
    """Waits; what is there instead is told when it has waited long enough."""
    ends = time.monotonic() + WAIT
    while not there():
        assert time.monotonic() < ends, instead()
        time.sleep(0.1)


class Aws:
    """The experiment, its production in S3, and the service."""

    def __init__(self, bench: Workbench, up: Rehearsal) -> None:
        self.bench, self.up, self.started = bench, up, list[Running]()
        assert up.dashboard is not None
        self.gateway = Gateway(int(up.dashboard.rpartition(":")[2]))
        self.environment = up.environment | {
            "ZENML_STORE_URL": f"http://127.0.0.1:{self.gateway.port}",
            "FINETUNE_BUCKET": "rehearsal",
            "FINETUNE_ROLE": up.settings.role_arn,
            "FINETUNE_IMAGE": up.settings.image_uri,
        }
        self.bare = {name: value for name, value in self.environment.items() if name not in OF_THE_STACK_FILE}
        with environment(**up.environment):
            publish(bench.production, "s3://rehearsal/production/tiny")

    def times(self, action: str) -> int:
        """How often clients have asked for this."""
        asked = (call for call in self.up.calls() if call["role"] == "client" and call["action"] == action)
        return sum(int(call["times"]) for call in asked)

    def command(self, *words: str) -> tuple[int, str]:
        """Runs a command on a run without what the stack file reads; gives exit code and what was said."""
        return self.python(str(REPOSITORY / "run.py"), *words, "--stack", "sagemaker")

    def called(self, *words: str) -> tuple[int, str]:
        """Runs run.py on AWS with what the stack file reads, and no config of its own."""
        ran = subprocess.run(
            [sys.executable, str(REPOSITORY / "run.py"), *words, "--stack", "sagemaker"],
            cwd=self.bench.working_directory(),
            env=self.bench.environment(**self.environment),
            capture_output=True,
            text=True,
        )
        return ran.returncode, ran.stdout + ran.stderr

    def python(self, *arguments: str) -> tuple[int, str]:
        """The same for a Python program, which finds the repository."""
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.bench.working_directory(),
            env=self.bench.environment(**self.bare, PYTHONPATH=f"{self.bench.project}{os.pathsep}{REPOSITORY}"),
            capture_output=True,
            text=True,
        )
        return ran.returncode, ran.stdout + ran.stderr

    def start(self, *options: str, **changes: str) -> Running:
        """Starts run.py on AWS; a variable that is empty is left out."""
        told = {name: value for name, value in (self.environment | changes).items() if value}
        self.started.append(Running(self.bench.start("--stack", "sagemaker", *options, **told)))
        return self.started[-1]

    def close(self) -> None:
        """Ends what a failed test left running."""
        for each in self.started:
            each.process.kill()
        self.gateway.close()

    def run(self, *options: str, **changes: str) -> tuple[int, str]:
        """Runs it to its end; gives exit code and what was said."""
        running = self.start(*options, **changes)
        return running.end(), running.said

    def record(self, number: int) -> dict[str, Any]:
        """run.json of a run."""
        key = f"outputs/{self.bench.experiment}/runs/{number}/run.json"
        found: dict[str, Any] = json.loads(self.up.client("s3").get_object(Bucket="rehearsal", Key=key)["Body"].read())
        return found


@contextmanager
def on_aws(bench: Workbench) -> Iterator[Aws]:
    """The experiment with its config as it is now, on a rehearsal of AWS."""
    bench.write_config()
    with Rehearsal(bench.folder / "rehearsal", project(bench)) as up:
        aws = Aws(bench, up)
        try:
            yield aws
        finally:
            aws.close()


def project(bench: Workbench) -> Settings:
    """Settings of a rehearsal whose image holds the experiment and the project's rooms."""
    put_rooms(bench.project, "finetune", "operators", "materializers", "pipelines", "steps")
    return Settings(project=str(bench.project), stop_grace_s=3.0)
