"""Process 1 of a job's namespaces: builds what the job sees, starts it, passes signals on, ends with its exit code.

Run as `python -m rehearsal.executor.inside SPEC` by executor/container.py. Standard input is the line to the
rehearsal: `T` asks for SIGTERM, `K` for SIGKILL, and its end, also when the rehearsal is killed, ends the job.
"""

import json
import os
import select
import signal
import socket
import sys
from typing import Any

from rehearsal.executor.memory import KILLED, kernel_kills, kill_largest, megabytes_in_use
from rehearsal.executor.view import View, build

NOT_STARTED, NOT_FOUND, KILLED_CODE = 125, 127, 128 + signal.SIGKILL


def main(spec_file: str) -> int:
    """Runs one host of a job; gives the exit code as a container engine does (128 + signal after a signal)."""
    with open(spec_file) as file:
        spec = json.load(file)
    try:
        socket.sethostname(spec["hostname"])
        build(View(**spec["view"]), spec["root"])
        os.chroot(spec["root"])
        os.chdir(spec["folder"])
    except OSError as error:
        print(f"the container could not be made: {error}", flush=True)
        return NOT_STARTED
    job = os.fork()
    if job == 0:
        _become(spec)
    killed_before = kernel_kills()
    code = _mind(job, spec["memory_mb"])
    if code == KILLED_CODE and kernel_kills() > killed_before:
        print(f"{KILLED} by the kernel", flush=True)
    return code


def _become(spec: dict[str, Any]) -> None:
    """Turns this process into the job's."""
    os.setsid()
    # A process hands its blocked signals down; a job starts with none, whatever started the rehearsal.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    try:
        os.execvpe(spec["command"][0], spec["command"], spec["environment"])
    except OSError as error:
        print(f'exec: "{spec["command"][0]}": {error.strerror}', flush=True)
        os._exit(NOT_FOUND)


def _mind(job: int, limit_mb: int | None) -> int:
    """Waits for the job, reaps its orphans and obeys the line to the rehearsal. Its return ends all that is left."""
    while True:
        asked = _asked(timeout_s=0.05)
        if asked == "":
            return KILLED_CODE
        if asked is not None:
            os.kill(job, signal.SIGTERM if asked == "T" else signal.SIGKILL)
        if limit_mb is not None and megabytes_in_use() > limit_mb:
            kill_largest(limit_mb)
        code = _reap(job)
        if code is not None:
            return code


def _asked(timeout_s: float) -> str | None:
    """One letter from the rehearsal; "" once the line is cut, None where nothing came."""
    ready, _, _ = select.select([0], [], [], timeout_s)
    return os.read(0, 1).decode() if ready else None


def _reap(job: int) -> int | None:
    """Takes the exit statuses that are due; gives the job's as an exit code once it is there."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return NOT_STARTED
        if pid == 0:
            return None
        if pid == job:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
