"""Runs benchmarks one after the other and writes their rows into RESULTS.md: `python -m benchmarks [NAME...]`."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from benchmarks.machine import RESULTS, ROOT, place
from benchmarks.results import Place, failed_row, row, updated

BENCHMARKS = (
    "main_job",
    "train_overhead",
    "prepare_overhead",
    "orchestration",
    "all_ids",
    "startup",
    "long_texts",
    "rehearsal",
    "launch",
    "resume",
    "tuning",
    "copy_s3",
    "faults",
    "growth",
    "materializer",
    "shards",
    "features",
    "serve",
    "transform",
)
ON_GPUS = ("gpu",)
"""Benchmarks that need a GPU: run when they are named."""
WITH_FULL = ("all_ids", "growth", "serve", "transform")
"""Benchmarks that have a longer form."""
LIMIT = 600.0
"""Seconds that one benchmark may take."""
GRACE = 30.0
"""Seconds in which an interrupted benchmark may clear its temporary folder."""


def main(arguments: Sequence[str]) -> int:
    """Runs the named benchmarks, or all; the exit code is 1 if a figure is missed."""
    known = ", ".join(BENCHMARKS + ON_GPUS)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"of {known}; default: all that need no GPU",
    )
    parser.add_argument("--full", action="store_true", help="also what takes more than 10 minutes")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(BENCHMARKS + ON_GPUS))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {known}")
    here = place()
    if os.getloadavg()[0] > 1:
        print(f"note: this machine is busy (load {os.getloadavg()[0]:.1f}), which makes every figure worse")
    missed = [name for name in options.names or BENCHMARKS if not _run(name, here, full=options.full)]
    print(f"{RESULTS}\n" + (f"missed: {', '.join(missed)}" if missed else "all figures reached"))
    return 1 if missed else 0


def _run(name: str, here: Place, *, full: bool) -> bool:
    """Runs one benchmark, writes its row at once, and says whether it reached its goals."""
    print(f"== {name}", flush=True)
    started = time.perf_counter()
    longer = full and name in WITH_FULL
    command = [sys.executable, f"benchmarks/{name}.py", *(["--full"] if longer else [])]
    try:
        text = _last_line(command, None if longer else LIMIT)
    except subprocess.TimeoutExpired:
        return _write(name, failed_row(name, f"took more than {LIMIT:.0f} s", here), meets=False)
    except subprocess.CalledProcessError as error:
        return _write(name, failed_row(name, f"failed with exit code {error.returncode}", here), meets=False)
    print(f"{text}\n{time.perf_counter() - started:.0f} s", flush=True)
    line = json.loads(text)
    return _write(name, row(line, here), meets=line["meets"])


def _last_line(command: Sequence[str], limit: float | None) -> str:
    """Runs a script and gives the last line of its output; when it ends early, so does all that it has started."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=limit)
        except BaseException:
            _stop(process)
            raise
    if process.returncode != 0 or not output.strip():
        raise subprocess.CalledProcessError(process.returncode, command)
    return output.splitlines()[-1]


def _stop(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _write(name: str, new: str, *, meets: bool) -> bool:
    old = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    RESULTS.write_text(updated(old, {name: new}, BENCHMARKS + ON_GPUS), encoding="utf-8")
    return meets


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
