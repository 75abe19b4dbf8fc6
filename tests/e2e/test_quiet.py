"""Nothing phones home: a run, and every process it starts, opens no connection to another machine."""

from pathlib import Path

from tests.e2e.workbench import Workbench

WATCH = '''"""Imported by every Python process at its start: writes down each attempt to reach another machine."""
import os
import sys

LOCAL = ("127.", "::1", "localhost", "/")


def watch(event, arguments):
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else address
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    host = os.fsdecode(host) if isinstance(host, bytes) else str(host)
    if host not in ("None", "") and not host.startswith(LOCAL):
        with open(os.environ["WATCHED"], "a") as log:
            log.write(f"{event} {host} {sys.argv}\\n")


sys.addaudithook(watch)
with open(os.environ["WATCHED"], "a") as log:
    log.write("watching\\n")
'''

TRY = """
import socket
try:
    socket.getaddrinfo("example.invalid", 443)
except OSError:
    pass
"""


def watched(bench: Workbench) -> tuple[Path, dict[str, str]]:
    (bench.project / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    log = bench.folder / "watched.txt"
    return log, {"WATCHED": str(log)}


def attempts(log: Path) -> list[str]:
    lines = log.read_text(encoding="utf-8").splitlines()
    assert "watching" in lines
    return [line for line in lines if line != "watching"]


def test_the_watch_sees_an_attempt(bench: Workbench) -> None:
    log, environment = watched(bench)
    bench.python(TRY, **environment)
    assert len(attempts(log)) == 1


def test_a_run_reaches_no_other_machine(bench: Workbench) -> None:
    bench.config["prepare"]["processes"] = 2
    bench.write_config()
    log, environment = watched(bench)
    ended = bench.run(**environment)
    assert ended.code == 0, ended.said
    assert attempts(log) == []
