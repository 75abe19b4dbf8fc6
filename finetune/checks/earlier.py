"""Labels of an earlier run, which drift is measured from: those of the last completed run that had others.

Runs with equal labels have nothing to drift from each other, so what is found stays the same, and comes from the cache,
until the labels change again.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from finetune import runs
from finetune.errors import RunError
from finetune.experiment import Home
from finetune.parquet import open_parquet
from finetune.reconcile.snapshot import Snapshot
from finetune.runs import Run, Status

LOOKED_AT = 20
"""Records, from the newest, among which a completed one is looked for."""


def labels_of_run(home: Home, snapshot: Snapshot) -> dict[str, Any]:
    """Production's labels and those to compare them with, as run.json keeps them.

    Returns:
        `counts`: rows of each label in production, and `earlier`: the same, and the number, of the last completed run
        whose counts are others; None if there is none.
    """
    counts = label_counts(snapshot)
    return {"counts": counts, "earlier": earlier(counts, _last_completed(home))}


def label_counts(snapshot: Snapshot) -> dict[str, int]:
    """Rows of each label, in order of label; rows without one are left out."""
    counts: dict[str, int] = {}
    for batch in open_parquet(snapshot.path).iter_batches(columns=["label"]):
        for each in batch.column("label").drop_null().value_counts().to_pylist():
            counts[each["values"]] = counts.get(each["values"], 0) + each["counts"]
    return dict(sorted(counts.items()))


def earlier(counts: Mapping[str, int], last: Run | None) -> dict[str, Any] | None:
    """What to compare counts with: those of the last completed run, or, if they are equal, what that was compared with.

    It is pure.
    """
    if last is None:
        return None
    if last.labels["counts"] == counts:
        before: dict[str, Any] | None = last.labels["earlier"]
        return before
    return {"run": last.run_number, "counts": last.labels["counts"]}


def _last_completed(home: Home) -> Run | None:
    for number in islice(reversed(runs.numbers(home)), LOOKED_AT):
        try:
            run = runs.read(home, number)
        except RunError:  # claimed by a process that was killed before it wrote the record
            continue
        if run.status is Status.COMPLETED and run.labels:
            return run
    return None
