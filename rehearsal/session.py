"""A rehearsal as a context manager: up on entry, down and removed on exit."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rehearsal.calls import LOOKER_KEY
from rehearsal.environment import client_environment
from rehearsal.errors import RehearsalError
from rehearsal.executor.namespaces import check_namespaces
from rehearsal.needed import check_packages
from rehearsal.settings import SDK_SETTINGS, SOURCE, Settings
from rehearsal.state import State
from rehearsal.zenml.image import project_image
from rehearsal.zenml.register import Registration

START_S, STOP_S = 60.0, 20.0


class Rehearsal:
    """SageMaker on this machine, everything in one folder.

    `lasting` lets it outlive this process, until `python -m rehearsal down`.
    """

    def __init__(self, folder: Path, settings: Settings | None = None, *, lasting: bool = False) -> None:
        self.folder, self.settings, self.lasting = folder.resolve(), settings or Settings(), lasting
        self._process: subprocess.Popen[bytes] | None = None
        self._state: State | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        """Its address, http://127.0.0.1:PORT."""
        return self.state.endpoint

    @property
    def environment(self) -> dict[str, str]:
        """What a client of AWS and of its ZenML server must find in its environment."""
        return client_environment(self.state, self.settings.region)

    @property
    def dashboard(self) -> str | None:
        """The address of ZenML's dashboard; user and password stand in rehearsal/zenml/account.py."""
        return self.state.zenml_url

    def start(self) -> None:
        """Starts it and waits until it serves.

        Raises:
            RehearsalError: A package is missing, namespaces are refused, the folder is in use, or the server ended.
        """
        check_packages()
        check_namespaces()
        if self.folder.exists() and any(self.folder.iterdir()):
            raise RehearsalError(
                f"rehearsal: {self.folder} is not empty; end it with `python -m rehearsal down`, or give another"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._settings_with_image().save(self.folder / "settings.json")
        (self.folder / "sdk.yaml").write_text(SDK_SETTINGS)
        self._process = self._spawn()
        registration = Registration(self.folder, self.settings.region) if self.settings.zenml else None
        try:
            self._state = self._wait()
            if registration is not None:
                registration.finish()
        except BaseException:
            if registration is not None:
                registration.cancel()
            self.stop()
            raise

    def stop(self) -> None:
        """Ends it, with all its jobs, and removes its folder."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait(self) -> None:
        """Waits until it is ended by another process."""
        if self._process is not None:
            self._process.wait()

    def client(self, service: str) -> Any:
        """A boto3 client of it, whose calls `calls` does not count."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.settings.region,
            aws_access_key_id=LOOKER_KEY,
            aws_secret_access_key="rehearsal",
        )

    def limit(self, **values: Any) -> None:
        """Sets quotas, sizes and faults; rehearsal/limits.py says which there are."""
        ask(self.endpoint, "limits", values)

    def interrupt(self, job: str) -> None:
        """Takes a spot training job's instances away."""
        ask(self.endpoint, f"interrupt/{job}")

    def fire(self, schedule: str) -> str:
        """Lets a schedule of EventBridge start its pipeline now; gives the execution's ARN."""
        return str(ask(self.endpoint, f"fire/{schedule}")["execution"])

    def calls(self) -> list[dict[str, Any]]:
        """The calls of clients and jobs so far: role (`client` for who is none) or key, IAM action, resource, times."""
        return list(ask(self.endpoint, "calls")["calls"])

    @property
    def state(self) -> State:
        """What is known of it while it is up.

        Raises:
            RehearsalError: It is not.
        """
        if self._state is None:
            raise RehearsalError("rehearsal: it is not up; call start(), or use it in a `with` statement")
        return self._state

    def _settings_with_image(self) -> Settings:
        """The settings as the server takes them: with the project's image, unless the caller names his own."""
        told = self.settings
        if not told.zenml or told.image_uri in told.images:
            return told
        image = project_image(Path(told.project), self.folder / "image")
        return replace(told, images=told.images | {told.image_uri: image})

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "rehearsal.serve", str(self.folder), *([] if self.lasting else ["lifeline"])]
        # Neither an address nor a profile of the caller's may reach the server's own clients.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with (self.folder / "server.log").open("wb") as log:
            return subprocess.Popen(
                command,
                env=environment
                | {"PYTHONPATH": os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))},
                stdin=subprocess.DEVNULL if self.lasting else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait(self) -> State:
        ends = time.monotonic() + START_S
        while time.monotonic() < ends:
            state = State.load(self.folder)
            if state is not None:
                return state
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.05)
        log = (self.folder / "server.log").read_text()[-2000:]
        raise RehearsalError(
            f"rehearsal: the server ended, or was not up in {START_S:.0f} s; its log ends with:\n{log}"
        )


def ask(endpoint: str, address: str, values: dict[str, Any] | None = None) -> dict[str, Any]:
    """Asks one of the rehearsal's own addresses.

    Raises:
        RehearsalError: It refuses, or does not answer.
    """
    body = None if values is None else json.dumps(values).encode()
    try:
        with urllib.request.urlopen(f"{endpoint}/_rehearsal/{address}", data=body, timeout=30) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except urllib.error.HTTPError as error:
        raise RehearsalError(f"rehearsal: {json.loads(error.read())['message']}") from error
    except urllib.error.URLError as error:
        raise RehearsalError(f"rehearsal: {endpoint} does not answer ({error.reason})") from error
