import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from rehearsal import Image, Rehearsal, Settings
from rehearsal.errors import RehearsalError
from rehearsal.fixture import skip_where_refused
from rehearsal.state import State

SLEEP = "import time\nprint('ready')\ntime.sleep(600)"


def processes(folder: Path) -> list[int]:
    """Those that work in the folder, or were started for it."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in part for part in process.info["cmdline"] or []) and process.pid != os.getpid():
            found.append(process.pid)
    return found


def mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


def is_open(endpoint: str) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", int(endpoint.rpartition(":")[2]))) == 0


def gone(folder: Path) -> None:
    ends = time.monotonic() + 10
    while processes(folder) and time.monotonic() < ends:
        time.sleep(0.05)
    assert processes(folder) == []


@pytest.fixture
def up(tmp_path: Path) -> Rehearsal:
    skip_where_refused()
    rehearsal = Rehearsal(tmp_path / "rehearsal", Settings(images={"*": Image()}, stop_grace_s=1.0, zenml=False))
    rehearsal.start()
    return rehearsal


def test_no_process_mount_port_or_folder_is_left(bench: Any, tmp_path: Path) -> None:
    before, there = mounts(), os.path.exists("/opt/ml")
    with Rehearsal(tmp_path / "rehearsal", Settings(images={"*": Image()}, zenml=False)) as up:
        bench_of_it = type(bench)(up)
        bench_of_it.says(bench_of_it.train(SLEEP, ResourceConfig={"InstanceCount": 2}), "ready")
        assert len(processes(up.folder)) >= 5 and is_open(up.endpoint)
    gone(up.folder)
    assert mounts() == before and os.path.exists("/opt/ml") == there
    assert not is_open(up.endpoint) and not up.folder.exists()


def test_jobs_end_with_a_rehearsal_that_is_killed(bench: Any, up: Rehearsal) -> None:
    bench_of_it = type(bench)(up)
    bench_of_it.says(bench_of_it.train(SLEEP), "ready")
    state = State.load(up.folder)
    assert state is not None
    os.kill(state.pid, signal.SIGKILL)
    up.stop()
    gone(up.folder)


def test_it_listens_on_loopback_only(up: Rehearsal) -> None:
    state = State.load(up.folder)
    assert state is not None
    listening = [each for each in psutil.Process(state.pid).net_connections() if each.status == psutil.CONN_LISTEN]
    up.stop()
    assert [each.laddr.ip for each in listening] == ["127.0.0.1"]


def test_a_folder_in_use_is_refused(up: Rehearsal) -> None:
    with pytest.raises(RehearsalError, match="is not empty"):
        Rehearsal(up.folder).start()
    up.stop()


def test_a_machine_that_refuses_namespaces_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "unshare").write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    (tmp_path / "unshare").chmod(0o755)
    code = "from pathlib import Path; from rehearsal import Rehearsal; Rehearsal(Path('x')).start()"
    environment = os.environ | {"PATH": str(tmp_path), "PYTHONPATH": str(Path.cwd())}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert "refuses namespaces (unshare failed: Operation not permitted)" in ran.stderr
    assert not (tmp_path / "x").exists()
