"""Measures reconcile and prepare on EXP-3334's 34,859 rules, in a new home: seconds, and peak memory of reconcile.

The functions of finetune/ are called as the steps call them. With --full the whole experiment runs through run.py too.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import argparse
import tempfile
import time
from collections.abc import Callable
from typing import Any, TypeVar

from benchmarks.figure import json_line, under
from benchmarks.memory import peak_memory
from benchmarks.workspace import note, shipped_config, workspace
from cli.environment import quiet_defaults

CONFIG = "EXP-3334"
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="run the whole experiment too: more than 10 minutes")
    full = parser.parse_args().full
    quiet_defaults()
    from benchmarks.prepared import steps_of

    config = shipped_config(CONFIG)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        steps = steps_of(config, Path(folder))
        snapshot, snapshot_cost = _measured(steps.snapshot)
        manifest, reconcile_cost = _measured(lambda: steps.reconcile(snapshot))
        (_, preparation), prepare_cost = _measured(lambda: steps.prepare(steps.choose(manifest)))
    print(
        json_line(
            "all_ids",
            under(reconcile_cost["seconds"], 30, "s for reconcile"),
            {
                "peak_memory_of_reconcile_above_start": under(reconcile_cost["megabytes"], 500, "MB"),
                "prepare": under(prepare_cost["seconds"], 30, "s"),
            },
            snapshot=snapshot_cost,
            peak_memory_of_prepare=prepare_cost["megabytes"],
            ids_encoded=sum(sum(counts.values()) for counts in preparation.counts.values()),
            **(_whole_experiment() if full else {}),
        )
    )


def _measured(work: Callable[[], T]) -> tuple[T, dict[str, float]]:
    with peak_memory() as peak:
        started = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - started
    cost = {"seconds": round(seconds, 2), "megabytes": round(peak.megabytes)}
    note(f"{cost}")
    return result, cost


def _whole_experiment() -> dict[str, Any]:
    with workspace() as place:
        ran = place.run(CONFIG)
    metrics, tfidf = ran.record["metrics"], ran.record["baselines"]["tfidf"]
    return {
        "whole_experiment_seconds": round(ran.seconds),
        "seconds_of_steps": ran.record["seconds"],
        "macro_f1": metrics["macro_f1"],
        "tfidf_macro_f1": tfidf["macro_f1"],
    }


if __name__ == "__main__":
    main()
