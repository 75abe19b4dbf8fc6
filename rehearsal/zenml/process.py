"""The ZenML server as a child of the rehearsal's process: it ends with it, also when that is killed."""

import os
import subprocess
import sys
import time
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.settings import SOURCE
from rehearsal.zenml.account import open_account
from rehearsal.zenml.serve import ADDRESS

START_S = 60.0


class ZenServer:
    """A ZenML server that is being started; `folder` is its own, and by `aws` it reads the artifact store."""

    def __init__(self, folder: Path, aws: dict[str, str]) -> None:
        self.folder, self.log = folder, folder / "server.log"
        folder.mkdir(parents=True, exist_ok=True)
        # Settings of the caller's ZenML must not reach this one.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ZENML_")}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rehearsal.zenml.serve", str(folder)],
                env=kept | aws | {"PYTHONPATH": os.pathsep.join(filter(None, [str(SOURCE), kept.get("PYTHONPATH")]))},
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def open(self) -> tuple[str, str]:
        """Waits until it serves; gives its address and a service account's API key.

        Raises:
            RehearsalError: It ended, or does not answer in time.
        """
        address = self.folder / ADDRESS
        ends = time.monotonic() + START_S
        while not address.exists():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise RehearsalError(f"rehearsal: the ZenML server did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)
        url = address.read_text()
        return url, open_account(url, START_S)

    def close(self) -> None:
        """Ends it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
