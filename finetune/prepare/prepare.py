"""Prepares the dataset: selects labels and ids, splits them, encodes them, and says what came of each label."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import datasets

from finetune.errors import PrepareError
from finetune.prepare.columns import GUID, LABELS
from finetune.prepare.encode import encode, truncated_shares
from finetune.prepare.encoder import EncodeData
from finetune.prepare.select import limit_per_label, select_labels
from finetune.prepare.split import SPLITS, assign_splits
from finetune.progress import say
from finetune.reconcile.manifest import Manifest
from finetune.storage.uri import Place
from finetune.words import counted

SHOWN = 3
"""Ids that the terminal names of those that encode_data dropped."""


@dataclass(frozen=True)
class Preparation:
    """What prepare decided and counted."""

    labels: list[str]
    """In order of class id."""
    counts: dict[str, dict[str, int]]
    """Encoded ids per split and label."""
    left_out: dict[str, str]
    """Labels without ids in the dataset, and why."""
    truncated: dict[str, float] | None
    """Share of truncated examples per label; None if encode_data does not say."""
    rejected: list[str]
    """Ids that encode_data dropped."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return asdict(self)


@dataclass(frozen=True)
class Chosen:
    """The ids of a dataset, in order of guid, with label and split of each."""

    guids: list[str]
    labels: dict[str, str]
    splits: dict[str, str]
    names: list[str]
    left_out: dict[str, str]


def choose(
    manifest: Manifest,
    *,
    ignored_labels: Sequence[str],
    num_labels_threshold: int,
    max_per_label: int | None,
    validation: float,
    test: float,
    seed: int,
    by: str | None,
) -> Chosen:
    """Selects labels, splits all ids of these labels, then limits them; the parameters are those of `prepare:`.

    Raises:
        PrepareError: Too few labels or ids remain, or `by` is no column of the labels.
    """
    if by is not None and by not in manifest.further_columns:
        columns = ", ".join(manifest.further_columns) or "none"
        raise PrepareError(f"prepare.split.by: must be a further column of the labels ({columns}), but got {by!r}")
    selection = select_labels(manifest.label_counts(), ignored=ignored_labels, threshold=num_labels_threshold)
    kept = {label: label for label in selection.kept}
    guids: list[str] = []
    labels: list[str] = []
    groups: list[str | None] = []
    for row in manifest.kept_ids([by] if by else []):
        if row["label"] in kept:
            guids.append(row["guid"])
            labels.append(kept[row["label"]])  # one object for all ids of a label
            if by is not None:
                groups.append(None if row[by] is None else str(row[by]))
    splits = assign_splits(guids, labels, validation=validation, test=test, seed=seed, groups=groups if by else None)
    stays = [True] * len(guids) if max_per_label is None else limit_per_label(guids, labels, splits, max_per_label)
    chosen = [row for row, stay in zip(zip(guids, labels, splits, strict=True), stays, strict=True) if stay]
    return Chosen(
        guids=[guid for guid, _, _ in chosen],
        labels={guid: label for guid, label, _ in chosen},
        splits={guid: split for guid, _, split in chosen},
        names=selection.kept,
        left_out=selection.left_out,
    )


def prepare(
    chosen: Chosen,
    *,
    reconciled: Place,
    files_at_home: Sequence[str],
    encode_data: EncodeData,
    features: datasets.Features,
    model: Mapping[str, Any],
    processes: int,
    batch_size: int,
    scratch: Path,
) -> tuple[datasets.DatasetDict, Preparation]:
    """Encodes the chosen ids and lays the examples out by split; parameters as for `encode`.

    Raises:
        PrepareError: encode_data failed or gave another label than the manifest's, or a label lost all its ids of a
            split.
    """
    encoded = encode(
        # split by split, so that each split is one piece of the encoded rows and is stored without another copy
        [guid for split in SPLITS for guid in chosen.guids if chosen.splits[guid] == split],
        reconciled=reconciled,
        files_at_home=files_at_home,
        encode_data=encode_data,
        features=features,
        label2id={label: index for index, label in enumerate(chosen.names)},
        model=model,
        processes=processes,
        batch_size=batch_size,
        scratch=scratch,
    )
    dataset = datasets.DatasetDict(_cut(encoded.dataset, chosen.splits))
    return dataset, conclude(chosen, dataset, truncated_shares(encoded.truncated, chosen.labels))


def conclude(chosen: Chosen, dataset: datasets.DatasetDict, truncated: dict[str, float] | None) -> Preparation:
    """Checks and counts what was encoded.

    Args:
        chosen: The ids that it was encoded from.
        dataset: The examples by split.
        truncated: Share of truncated examples per label; None if encode_data does not say.

    Raises:
        PrepareError: encode_data gave another label than the manifest's, or a label lost all its ids of a split.
    """
    encoded = {split: set(part[GUID][:]) for split, part in dataset.items()}
    preparation = Preparation(
        labels=chosen.names,
        counts={split: _counts(chosen, guids) for split, guids in encoded.items()},
        left_out=chosen.left_out,
        truncated=truncated,
        rejected=[guid for guid in chosen.guids if guid not in encoded[chosen.splits[guid]]],
    )
    for part in dataset.values():
        _check_labels(chosen, part)
    _refuse_emptied(chosen, preparation)
    if preparation.rejected:
        first = ", ".join(preparation.rejected[:SHOWN])
        say(f"encode_data dropped {counted(len(preparation.rejected), 'id')}, such as {first}")
    return preparation


def _cut(dataset: datasets.Dataset, splits: Mapping[str, str]) -> dict[str, datasets.Dataset]:
    sizes = Counter(splits[guid] for guid in dataset[GUID][:])
    ends = list(accumulate(sizes[split] for split in SPLITS))
    return {split: dataset.select(range(end - sizes[split], end)) for split, end in zip(SPLITS, ends, strict=True)}


def _counts(chosen: Chosen, guids: Collection[str]) -> dict[str, int]:
    found = Counter(chosen.labels[guid] for guid in guids)
    return {label: found[label] for label in chosen.names}


def _check_labels(chosen: Chosen, dataset: datasets.Dataset) -> None:
    expected = {label: index for index, label in enumerate(chosen.names)}
    pairs = zip(dataset[GUID][:], dataset[LABELS][:], strict=True)
    wrong = [(guid, found) for guid, found in pairs if found != expected[chosen.labels[guid]]]
    if wrong:
        guid, found = wrong[0]
        label = chosen.labels[guid]
        raise PrepareError(
            f"encode_data must give label2id of the manifest's label as labels, but {len(wrong):,} examples differ: "
            f"for id {guid} it must be {expected[label]} ({label}), but is {found}; mend encode_data, or what "
            f"process_func writes for it"
        )


def _refuse_emptied(chosen: Chosen, preparation: Preparation) -> None:
    """With prepare.split.by a label may have no ids in a split from the start; encode_data must not empty one."""
    if len(preparation.rejected) == len(chosen.guids):
        raise PrepareError(
            f"prepare: encode_data dropped all {counted(len(chosen.guids), 'id')}; mend it: it must return None only "
            f"for ids to leave out"
        )
    for split, counts in preparation.counts.items():
        before = _counts(chosen, [guid for guid in chosen.guids if chosen.splits[guid] == split])
        emptied = [label for label, count in counts.items() if count == 0 and before[label] > 0]
        if emptied:
            raise PrepareError(
                f"prepare: encode_data dropped every id of {', '.join(emptied)} in the {split} split "
                f"({counted(len(preparation.rejected), 'id')} dropped in all); add the label to prepare.ignored_labels"
                f", or let encode_data keep these ids"
            )
