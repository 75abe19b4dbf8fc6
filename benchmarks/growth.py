"""Measures how the cost of reconcile grows: seconds an id, and peak memory, from a thousand ids to a hundred thousand.

Planning alone (snapshot and selection of a listing that is generated, without files) goes to a million, with --full to
ten million. Each point runs in a process of its own.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import argparse
import hashlib
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.figure import Figure, json_line, under
from benchmarks.memory import peak_memory
from benchmarks.workspace import note

RECONCILE = {1_000: 7, 10_000: 5, 100_000: 5}
"""How often each number of ids is measured; the figure is the median."""
PLAN = {10_000: 5, 100_000: 5, 1_000_000: 1}
PLAN_FULL = {10_000_000: 1}
COPIES = 50
"""One of so many ids has the content of another."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="plan ten million ids too: about ten minutes more")
    one = ("WORK", "IDS", "PRODUCTION")
    parser.add_argument("--only", nargs=3, metavar=one, help="measure one point once, in this process")
    asked = parser.parse_args()
    if asked.only:
        print(json.dumps(_measured(asked.only[0], int(asked.only[1]), Path(asked.only[2]))))
        return
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        for count in RECONCILE:
            _make_production(Path(name, str(count)), count)
        reconciled = _points("reconcile", RECONCILE, Path(name))
        planned = _points("plan", PLAN | (PLAN_FULL if asked.full else {}), Path(name))
    figures = {
        "planning_per_id": _growth(planned),
        "memory_of_reconcile": _spread(reconciled),
        "memory_of_planning": _spread(planned),
    }
    print(json_line("growth", _growth(reconciled), figures, reconcile=reconciled, plan=planned))


def _points(work: str, counts: dict[int, int], folder: Path) -> dict[int, dict[str, float]]:
    """Seconds an id and megabytes above the start, by number of ids; the numbers take turns."""
    runs: dict[int, list[dict[str, float]]] = {count: [] for count in counts}
    for turn in range(max(counts.values())):
        for count in (count for count, times in counts.items() if turn < times):
            command = [sys.executable, __file__, "--only", work, str(count), str(folder / str(count))]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            runs[count].append(json.loads(done.stdout.splitlines()[-1]))
            note(f"{work} of {count:,} ids: {runs[count][-1]}")
    return {
        count: {
            "microseconds_per_id": round(1e6 * statistics.median(run["seconds"] for run in found) / count, 1),
            "megabytes": round(statistics.median(run["megabytes"] for run in found)),
        }
        for count, found in runs.items()
    }


def _growth(points: dict[int, dict[str, float]]) -> Figure:
    per_id = [point["microseconds_per_id"] for point in points.values()]
    return under(per_id[-1] / per_id[0], 1.3, "of the time an id, last to first")


def _spread(points: dict[int, dict[str, float]]) -> Figure:
    peaks = [point["megabytes"] for point in points.values()]
    return under(max(peaks) - min(peaks), 200, "MB between the lowest and the highest peak")


def _measured(work: str, count: int, production: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        scratch = Path(folder)
        todo = _planning(scratch, count) if work == "plan" else _reconciling(scratch, count, str(production))
        with peak_memory() as peak:
            started = time.perf_counter()
            todo()
            seconds = time.perf_counter() - started
    return {"seconds": round(seconds, 3), "megabytes": round(peak.megabytes)}


def _make_production(folder: Path, count: int) -> None:
    """Production is only read, so one serves all rounds."""
    for number in range(count):
        place = folder / _guid(number)
        place.mkdir(parents=True)
        (place / "text.json").write_text(_content(number))


def _reconciling(folder: Path, count: int, production: str) -> Callable[[], Any]:
    from finetune.experiment import Home
    from finetune.reconcile.reconcile import reconcile
    from finetune.reconcile.snapshot import take_snapshot

    def work() -> None:
        names = ["text.json"]
        snapshot = take_snapshot(_labels(count), folder=production, names=names, target=folder / "snapshot.parquet")
        made = reconcile(
            snapshot,
            home=Home(str(folder / "outputs"), "EXP-1-growth"),
            production=production,
            files_from_production=names,
            files_at_home=names,
            process_func=None,
            process_hash="",
            overwrite=False,
            workers=8,
            target=folder / "manifest.parquet",
        )
        if sum(made.decisions.values()) != count - count // COPIES:
            raise RuntimeError(f"{made.decisions} of {count} ids")

    return work


def _planning(folder: Path, count: int) -> Callable[[], Any]:
    from finetune.reconcile.selection import select_ids
    from finetune.reconcile.snapshot import write_snapshot

    def work() -> None:
        snapshot = write_snapshot(_labels(count), _listing(count), target=folder / "snapshot.parquet")
        (folder / "selection").mkdir()
        names = ["text.json"]
        selection = select_ids(snapshot, names, hash_all=lambda ids, total: iter(()), folder=folder / "selection")
        kept = sum(each.reason is None for each in selection)
        if kept != selection.kept or kept != count - count // COPIES:
            raise RuntimeError(f"{kept} of {count} ids were kept")

    return work


def _labels(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"guid": _guid(number), "label": f"label {number % 37}", "pages": number % 11}


def _listing(count: int) -> Iterator[tuple[str, list[Any]]]:
    from finetune.storage.digest import MD5, Digest
    from finetune.storage.listing import ListedFile

    for number in range(count):
        content = _content(number)
        digest = Digest(MD5, hashlib.md5(content.encode(), usedforsecurity=False).hexdigest())
        yield _guid(number), [ListedFile("text.json", len(content), f'"{digest.value}"', digest)]


def _guid(number: int) -> str:
    """In no order, as ids are."""
    return hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()


def _content(number: int) -> str:
    """Unique, but of the last of each fifty ids, which is a copy of one with its label."""
    if number % COPIES == COPIES - 1:
        number -= 37
    return json.dumps({"text": f"{number:09} " * 20})


if __name__ == "__main__":
    main()
