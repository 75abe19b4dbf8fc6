"""The ZenML dashboard in a real browser: the run's steps are there, and the report's macro F1 is in its preview."""

import contextlib
import os
import shutil
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

from tests.e2e.workbench import REPOSITORY, Workbench, clean_environment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


STEPS = ("snapshot", "reconcile", "prepare", "train", "evaluate")

FINISH_SURVEY = """
from zenml.client import Client
Client().update_user(
    "default",
    updated_email_opt_in=False,
    updated_metadata={"finished_onboarding_survey": True, "awareness_channels": ["other"]},
)
"""


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
    survey = bench.python(FINISH_SURVEY)
    assert survey.code == 0, survey.said
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


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on PATH")
def test_the_dashboard_shows_the_steps_and_the_report(dashboard: tuple[Workbench, str]) -> None:
    from playwright.sync_api import expect, sync_playwright

    bench, address = dashboard
    macro_f1 = f"{bench.record(1)['metrics']['macro_f1']:.3f}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(address)
        for step in STEPS:
            expect(page.get_by_text(step, exact=True).first).to_be_visible(timeout=60_000)
        page.screenshot(path=bench.folder / "dag.png")
        page.get_by_text("report", exact=True).first.click()
        page.get_by_text("Visualization", exact=True).last.click()
        load = page.get_by_text("Load Preview")
        shown = page.frame_locator("iframe").get_by_text(macro_f1).first
        expect(load.or_(page.locator("iframe")).first).to_be_visible()
        if load.count():
            load.first.click()
        expect(shown).to_be_visible()
        page.screenshot(path=bench.folder / "report.png")
        browser.close()
