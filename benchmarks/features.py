"""Measures records/s of putting features into a group against the SageMaker SDK's FeatureGroup.ingest with one worker.

Both put the same records into the same rehearsal, taking turns, and medians are compared: where each request takes
10 ms beside its work, as a network and a service do, and where it takes none, so that the cores are the limit.
Then every twentieth request is throttled, and it is counted whether all records are online and offline.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import os
import tempfile
import time
from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.figure import all_of, at_least, json_line
from benchmarks.workspace import note
from cli.environment import quiet_defaults

if TYPE_CHECKING:
    from finetune.feature_store.group import Group
    from finetune.feature_store.records import Record
    from operators.feature_store import SageMakerStore
    from rehearsal import Rehearsal

GOAL = 5.0
RECORDS = 1_000
FEATURES = 17
"""As many numbers as EXP-4001's group has."""
WAIT_MS = 10.0
THROTTLED = 0.05
REPEATS = 3
AT = "2026-11-22T00:49:55.000Z"


def main() -> None:
    quiet_defaults()
    from rehearsal import Rehearsal, Settings

    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        Rehearsal(Path(folder, "home"), Settings(zenml=False)) as up,
    ):
        os.environ.update(up.environment)
        from operators.feature_store import SageMakerStore

        store = SageMakerStore(f"s3://{up.settings.bucket}/features", lambda: up.settings.role_arn)
        group, records = _data()
        waiting = _compared(up, store, group, records, WAIT_MS)
        at_once = _compared(up, store, group, records, 0.0)
        kept = _throttled(up, store, group, records)
    print(
        json_line(
            "features",
            at_least(waiting["ours"] / waiting["sdk"], GOAL, "times the SDK's records/s"),
            {"kept_of_throttled": all_of(kept["stored"], RECORDS, "records")},
            records=RECORDS,
            features=FEATURES,
            milliseconds_of_a_request=WAIT_MS,
            records_per_second={name: round(speed) for name, speed in waiting.items()},
            records_per_second_without_wait={name: round(speed) for name, speed in at_once.items()},
            times_without_wait=round(at_once["ours"] / at_once["sdk"], 2),
            throttled=kept,
        )
    )


def _data() -> "tuple[Group, list[Record]]":
    from finetune.feature_store.group import Group, Kind
    from finetune.feature_store.records import checked

    names = [f"feature_{number}" for number in range(FEATURES)]
    group = Group("benchmark", "id", "at", dict.fromkeys(names, Kind.FRACTIONAL))
    rows = [{"id": f"r{row}", "at": AT, **dict.fromkeys(names, row / 7)} for row in range(RECORDS)]
    return group, checked(group, rows)


def _compared(
    up: "Rehearsal", store: "SageMakerStore", group: "Group", records: "Sequence[Record]", wait_ms: float
) -> dict[str, float]:
    """Records/s of each side, medians."""
    store.ensure(group)
    up.limit(records_ms=wait_ms)
    sides: dict[str, list[float]] = {"ours": [], "sdk": []}
    for turn in range(REPEATS):
        for side in ("ours", "sdk") if turn % 2 == 0 else ("sdk", "ours"):
            seconds = _ours(store, group, records) if side == "ours" else _sdk(group, records)
            sides[side].append(len(records) / seconds)
            note(f"{side}, {wait_ms:g} ms a request: {sides[side][-1]:,.0f} records/s")
    up.limit(records_ms=0.0)
    return {side: median(speeds) for side, speeds in sides.items()}


def _ours(store: "SageMakerStore", group: "Group", records: "Sequence[Record]") -> float:
    started = time.perf_counter()
    put = store.put(group, records)
    seconds = time.perf_counter() - started
    if put.failed:
        raise RuntimeError(f"{len(put.failed)} records were not stored: {next(iter(put.failed.values()))}")
    return seconds


def _sdk(group: "Group", records: "Sequence[Record]") -> float:
    import pandas as pd
    import sagemaker
    from sagemaker.feature_store.feature_group import FeatureGroup

    frame = pd.DataFrame(records)
    there = FeatureGroup(name=group.name, sagemaker_session=sagemaker.Session())
    started = time.perf_counter()
    there.ingest(frame, max_workers=1, max_processes=1, wait=True)
    return time.perf_counter() - started


def _throttled(up: "Rehearsal", store: "SageMakerStore", group: "Group", records: "Sequence[Record]") -> dict[str, Any]:
    """How many records are online, and offline, of a group that was filled while requests were throttled."""
    from dataclasses import replace

    fresh = replace(group, name="throttled")
    store.ensure(fresh)
    up.limit(records_throttled=THROTTLED)
    started = time.perf_counter()
    put = store.put(fresh, records)
    seconds = time.perf_counter() - started
    up.limit(records_throttled=0.0)
    online = sum(record is not None for record in store.latest(fresh, [record["id"] for record in records]))
    deadline = time.monotonic() + 60
    while (offline := store.describe(fresh.name).counts.records) < len(records) and time.monotonic() < deadline:
        time.sleep(0.5)
    note(f"{THROTTLED:.0%} throttled: {put.stored:,} stored, {online:,} online, {offline:,} offline")
    return {
        "share": THROTTLED,
        "stored": min(put.stored, online, offline),
        "failed": len(put.failed),
        "records_per_second": round(len(records) / seconds),
    }


if __name__ == "__main__":
    main()
