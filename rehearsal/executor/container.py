"""One host of a job as this machine's process: start it, ask it to stop, kill it, its exit code and its output."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rehearsal.executor.namespaces import enter
from rehearsal.executor.view import View

SOURCE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Spec:
    """What one host runs. `folder` is the working directory, `memory_mb` the instance's memory (None: no limit)."""

    hostname: str
    command: list[str]
    environment: dict[str, str]
    view: View
    folder: str = "/"
    memory_mb: int | None = None
    root: str = field(default="")


class Container:
    """A started host. Its folder holds spec.json, log (standard output and error) and the folder root."""

    def __init__(self, spec: Spec, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"
        root = folder / "root"
        root.mkdir(parents=True)
        file = folder / "spec.json"
        file.write_text(json.dumps({**asdict(spec), "root": str(root)}))
        # `-S -E -s`: process 1 needs no installed package, and starts in a third of the time without them.
        command = [*enter(), sys.executable, "-S", "-s", "-m", "rehearsal.executor.inside", str(file)]
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(SOURCE),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Sends SIGTERM to the job's main process, as a container engine does."""
        self._say(b"T")

    def kill(self) -> None:
        """Sends SIGKILL to the job's main process; what it started ends with it."""
        self._say(b"K")

    def end(self) -> int:
        """Ends what is left, waits, and gives the exit code."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        return self._process.wait()

    def _say(self, letter: bytes) -> None:
        try:
            if self._process.stdin is not None and not self._process.stdin.closed:
                self._process.stdin.write(letter)
        except BrokenPipeError:
            pass  # It has ended already.
