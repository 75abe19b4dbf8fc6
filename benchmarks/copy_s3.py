"""Measures copying from bucket to bucket on SeaweedFS against s5cmd: 10,000 objects of 1 KB, and 200 of 8 MB.

The project's way lists, plans, copies and checks each content hash as reconcile does; s5cmd checks none. Processor
time is that of the client alone.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import boto3

from benchmarks.bringing_home import NAME, bring_home, wrong_or_missing
from benchmarks.figure import Figure, all_of, at_least, json_line
from benchmarks.object_store import account, binary, seaweedfs
from benchmarks.workspace import note
from finetune.collector import collect_rarely
from finetune.storage.publish import publish

SMALL, LARGE = (10_000, 1_024), (200, 8 * 1024**2)
Times = dict[str, list[float]]


class Measured(NamedTuple):
    """What the rounds of one size took."""

    seconds: Times
    processor: Times
    """Seconds of this process and of those that it started and that have ended."""
    wrong: int
    """Objects that were missing or had another content at the end of a round."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="rounds of each measurement")
    parser.add_argument("--part", type=int, default=1, help="measure only one of so many objects")
    asked = parser.parse_args()
    collect_rarely()  # as run.py does
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, seaweedfs(Path(name)) as address:
        os.environ.update(account(address))
        small = _measured(Path(name), "small", SMALL[0] // asked.part, SMALL[1], asked.repeats, again=True)
        large = _measured(Path(name), "large", LARGE[0] // asked.part, LARGE[1], asked.repeats)
    print(_line(small, large, SMALL[0] // asked.part, LARGE[0] // asked.part))


def _line(measured: Measured, measured_large: Measured, count: int, large_count: int) -> str:
    small, large = measured.seconds, measured_large.seconds
    wrong = measured.wrong + measured_large.wrong
    ours, theirs = median(small["ours"]), median(small["s5cmd cp"])
    again = median(small["ours again"])
    megabytes = large_count * LARGE[1] / 1e6
    figures: dict[str, Figure] = {
        "megabytes_a_second_of_s5cmd": at_least(median(large["s5cmd cp"]) / median(large["ours"]), 0.9, "x"),
        "second_run_against_cp": at_least(theirs / again, 5.0, "x faster"),
        "second_run_against_sync": at_least(median(small["s5cmd sync again"]) / again, 1.0, "x"),
        "right": all_of(count + large_count - wrong, count + large_count, "objects"),
    }
    return json_line(
        "copy_s3",
        at_least(theirs / ours, 1.0, "x s5cmd's objects/s"),
        figures,
        objects_a_second={side: round(count / median(times)) for side, times in small.items()},
        megabytes_a_second={side: round(megabytes / median(times)) for side, times in large.items()},
        processor_ms_an_object={
            side: round(median(times) / count * 1_000, 2) for side, times in measured.processor.items()
        },
        seconds={"1 KB": _rounded(small), "8 MB": _rounded(large)},
    )


def _rounded(times: Times) -> dict[str, list[float]]:
    return {side: [round(each, 2) for each in found] for side, found in times.items()}


def _measured(folder: Path, kind: str, count: int, size: int, repeats: int, again: bool = False) -> Measured:
    """What each side takes, in alternating order."""
    production = _loaded(folder, kind, count, size)
    times, spent, wrong = Times(), Times(), 0
    for turn in range(repeats):
        for side in ("ours", "s5cmd cp") if turn % 2 == 0 else ("s5cmd cp", "ours"):
            place = f"s3://{_bucket(f'{kind}-{turn}-{side.split()[0]}')}/out"
            _timed(times, spent, side, _work(side, production, place))
            if side == "ours":
                wrong += wrong_or_missing(place, folder / kind)
            if again:  # and nothing is removed: the server would go on with that while the next side is measured
                second = f"{side} again" if side == "ours" else "s5cmd sync again"
                _timed(times, spent, second, _work(second, production, place))
            else:
                _s5cmd("rm", f"{place.removesuffix('/out')}/*")
                _s5cmd("rb", place.removesuffix("/out"))
    return Measured(times, spent, wrong)


def _work(side: str, production: str, place: str) -> Callable[[], object]:
    if side.startswith("ours"):
        return lambda: bring_home(production, place)
    return lambda: _s5cmd(side.split()[1], f"{production}/*", f"{place}/")


def _timed(times: Times, spent: Times, side: str, work: Callable[[], object]) -> None:
    started, before = time.perf_counter(), os.times()
    work()
    seconds, after = time.perf_counter() - started, os.times()
    note(f"{side}: {seconds:.2f} s")
    times.setdefault(side, []).append(seconds)
    spent.setdefault(side, []).append(sum(after[:4]) - sum(before[:4]))


def _loaded(folder: Path, kind: str, count: int, size: int) -> str:
    for number in range(count):
        place = folder / kind / f"{number:06}"
        place.mkdir(parents=True)
        (place / NAME).write_bytes(os.urandom(size))
    production = f"s3://{_bucket(f'production-{kind}')}/production"
    publish(folder / kind, production)
    return production


def _bucket(name: str) -> str:
    boto3.client("s3").create_bucket(Bucket=name)
    return name


def _s5cmd(*arguments: str) -> None:
    subprocess.run([binary("s5cmd"), "--log", "error", *arguments], check=True)


if __name__ == "__main__":
    main()
