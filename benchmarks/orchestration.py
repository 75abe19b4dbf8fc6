"""Measures what a run costs beside its steps' work: three runs of a small config on a warm database, cache off.

It is the time from start to end of the process, less the seconds that run.json gives for the work of the steps:
start-up, checks and trial of the functions, ZenML, and storing artifacts.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

from statistics import median

from benchmarks.figure import json_line, under
from benchmarks.workspace import note, workspace

REPEATS = 3
SMALL = ("--set", "train.epochs=1", "--set", "prepare.max_per_label=60", "--set", "prepare.dataset_name=small")


def main() -> None:
    with workspace() as place:
        cold = place.run("EXP-3333", *SMALL)
        note(f"new database: {cold.seconds - cold.work:.1f} s beside {cold.work:.1f} s of work")
        runs = []
        for _ in range(REPEATS):
            runs.append(place.run("EXP-3333", *SMALL, "--no-cache"))
            note(f"warm database: {runs[-1].seconds - runs[-1].work:.1f} s beside {runs[-1].work:.1f} s of work")
        cached = place.run("EXP-3333", *SMALL)
    overhead = [run.seconds - run.work for run in runs]
    print(
        json_line(
            "orchestration",
            under(median(overhead), 15, "s"),
            {},
            seconds=[round(each, 1) for each in overhead],
            work_seconds=round(median(run.work for run in runs), 1),
            new_database=round(cold.seconds - cold.work, 1),
            all_cached_run=round(cached.seconds, 1),
        )
    )


if __name__ == "__main__":
    main()
