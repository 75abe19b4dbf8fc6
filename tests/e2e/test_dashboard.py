"""The ZenML dashboard in a real browser: the run's steps are there, and the report's macro F1 is in its preview."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.browser import CHROMIUM, NO_BROWSER, see_run
from tests.e2e.workbench import REPOSITORY, Workbench, clean_environment

STEPS = ("snapshot", "reconcile", "check_data", "prepare", "train", "evaluate")


def free_port() -> int:
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@pytest.fixture
def dashboard(bench: Workbench) -> Iterator[tuple[Workbench, str]]:
    """A run, and the address of a dashboard that shows it; a database of its own, because a server locks it."""
    bench.zenml = bench.folder / "zenml"
    ended = bench.run()
    assert ended.code == 0, ended.said
    run_id = next(line for line in ended.out.splitlines() if line.startswith("dashboard")).rpartition("/runs/")[2]
    port = free_port()
    environment = {**clean_environment(bench.zenml), "ZENML_ANALYTICS_OPT_IN": "false"}
    command = [str(Path(sys.executable).with_name("zenml")), "login", "--local", "--blocking", "--port", str(port)]
    log = bench.folder / "server.txt"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=out, stderr=out, start_new_session=True
        )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}", server, log)
        yield bench, f"http://127.0.0.1:{port}/projects/default/runs/{run_id}"
    finally:
        stop(server)


def wait_until_healthy(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 180
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health") as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    pytest.fail(f"the dashboard did not start: {log.read_text()}")


def stop(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.mark.skipif(CHROMIUM is None, reason=NO_BROWSER)
def test_the_dashboard_shows_the_steps_and_the_report(dashboard: tuple[Workbench, str]) -> None:
    bench, address = dashboard
    macro_f1 = f"{bench.record(1)['metrics']['macro_f1']:.3f}"
    see_run(address, steps=STEPS, in_report=macro_f1, pictures=bench.folder)
