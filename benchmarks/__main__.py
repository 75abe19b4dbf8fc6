"""Runs benchmarks one after the other and writes their rows into RESULTS.md: `python -m benchmarks [NAME...]`."""

import argparse
import json
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
)
WITH_FULL = ("all_ids",)
"""Benchmarks that have a longer form."""
LIMIT = 600.0
"""Seconds that one benchmark may take."""


def main(arguments: Sequence[str]) -> int:
    """Runs the named benchmarks, or all; the exit code is 1 if a figure is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--full", action="store_true", help="also what takes more than 10 minutes")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    here = place()
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
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, timeout=None if longer else LIMIT
        )
    except subprocess.TimeoutExpired:
        return _write(name, failed_row(name, f"took more than {LIMIT:.0f} s", here), meets=False)
    except subprocess.CalledProcessError as error:
        return _write(name, failed_row(name, f"failed with exit code {error.returncode}", here), meets=False)
    text = done.stdout.splitlines()[-1]
    print(f"{text}\n{time.perf_counter() - started:.0f} s", flush=True)
    line = json.loads(text)
    return _write(name, row(line, here), meets=line["meets"])


def _write(name: str, new: str, *, meets: bool) -> bool:
    old = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    RESULTS.write_text(updated(old, {name: new}, BENCHMARKS), encoding="utf-8")
    return meets


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
