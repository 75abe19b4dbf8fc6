"""Measures how long run.py takes to show its help, and to refuse a config with an error (medians of 5 starts)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import time
from statistics import median

from benchmarks.figure import json_line, under
from benchmarks.workspace import ROOT, Workspace, note, workspace

REPEATS = 5


def main() -> None:
    with workspace() as place:
        wrong = place.folder / "wrong.yaml"
        wrong.write_text(f"extends: {ROOT}/configs/EXP-3333.yaml\ntrain:\n  epoch: 2\n", encoding="utf-8")
        shown = [_seconds(place, 0, "--help") for _ in range(REPEATS)]
        refused = [_seconds(place, 2, "--config", str(wrong), "--check") for _ in range(REPEATS)]
    print(
        json_line(
            "startup",
            under(median(shown), 0.3, "s for --help"),
            {"check_of_a_wrong_config": under(median(refused), 1.5, "s")},
            help_seconds=[round(each, 3) for each in shown],
            check_seconds=[round(each, 3) for each in refused],
        )
    )


def _seconds(place: Workspace, code: int, *arguments: str) -> float:
    started = time.perf_counter()
    done = place.call(*arguments)
    seconds = time.perf_counter() - started
    if done.returncode != code:
        raise RuntimeError(f"run.py {' '.join(arguments)} must end with {code}, but got {done.returncode}")
    note(f"run.py {arguments[-1]}: {seconds:.3f} s")
    return seconds


if __name__ == "__main__":
    main()
