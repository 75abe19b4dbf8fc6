"""Refuses before a run what its label rows alone tell that the run would refuse: ids that name no folder, small labels.

Everything else that may drop ids, such as equal content, is left to the run.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from finetune.prepare.select import select_labels
from finetune.prepare.split import SPLITS, names_splits, refuse_small_labels
from finetune.reconcile.guid import refuse_unsafe_ids
from finetune.reconcile.select import match
from finetune.storage.storage import storage_of
from finetune.storage.uri import Place

Row = dict[str, Any]


def foreseen(
    rows: Iterable[Row],
    *,
    production: Place,
    files_from_production: Sequence[str],
    ignored_labels: Sequence[str],
    num_labels_threshold: int,
    by: str | None,
) -> Iterator[Row]:
    """Passes label rows on, and after the last one refuses what the run would refuse.

    Args:
        rows: All label rows.
        production: Production's folder of ids.
        files_from_production: Names of the files that each id needs; looked for where a label is small.
        ignored_labels: Labels that are left out.
        num_labels_threshold: Labels with fewer ids than this are left out.
        by: The config's prepare.split.by.

    Raises:
        ReconcileError: Ids cannot be folder names.
        PrepareError: Fewer than 2 labels remain, or a label has too few ids for the splits.
    """
    pairs: list[tuple[str, str | None]] = []
    groups: set[str | None] = set()
    for row in rows:
        pairs.append((row["guid"], row["label"]))
        if by is not None:
            groups.add(None if row[by] is None else str(row[by]))
        yield row
    refuse_unsafe_ids(guid for guid, _ in pairs)
    labels = match(pairs, {}, ()).kept
    counts = Counter(labels.values())
    kept = set(select_labels(counts, ignored=ignored_labels, threshold=num_labels_threshold).kept)
    if names_splits(groups):
        return  # a label of few ids is good if the column gives it a train id
    few = {guid: label for guid, label in labels.items() if label in kept and counts[label] < len(SPLITS)}
    found = [few[guid] for guid in _with_files(few, production, files_from_production)]
    left = {label for label, count in Counter(found).items() if count >= num_labels_threshold}
    refuse_small_labels(label for label in found if label in left)


def _with_files(guids: Iterable[str], production: Place, names: Sequence[str]) -> Iterator[str]:
    """Ids without a file are dropped by the run, and a label without ids with them."""
    exists = storage_of(production).exists
    return (guid for guid in guids if all(exists(str(production / guid / name)) for name in names))
