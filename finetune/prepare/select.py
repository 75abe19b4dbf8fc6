"""Decides which ids become the dataset: pure.

First labels are selected, then all their ids are split, and only then is their number limited: so an id is in
the same split in a partial and in the full dataset of one manifest.
"""

import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finetune.errors import PrepareError
from finetune.prepare.split import SPLITS, fixed_hash
from finetune.words import counted


@dataclass(frozen=True)
class LabelSelection:
    """The labels of a dataset, sorted (the place is the class id), and why each other label is left out."""

    kept: list[str]
    left_out: dict[str, str]


def select_labels(counts: Mapping[str, int], *, ignored: Sequence[str], threshold: int) -> LabelSelection:
    """Selects the labels that are not ignored and have at least `threshold` ids.

    Args:
        counts: Number of ids of each label.
        ignored: Labels to leave out; each must occur.
        threshold: Smallest number of ids that a label may have.

    Raises:
        PrepareError: An ignored label does not occur, or fewer than 2 labels remain.
    """
    _refuse_unknown(counts, ignored)
    left_out: dict[str, str] = {}
    for label in sorted(counts):
        if label in ignored:
            left_out[label] = f"in prepare.ignored_labels ({counted(counts[label], 'id')})"
        elif counts[label] < threshold:
            left_out[label] = f"below prepare.num_labels_threshold {threshold} ({counted(counts[label], 'id')})"
    kept = [label for label in sorted(counts) if label not in left_out]
    if len(kept) < 2:
        reasons = "; ".join(f"{label!r} is {reason}" for label, reason in left_out.items()) or "none"
        raise PrepareError(
            f"prepare: at least 2 labels must remain, but got {len(kept)} ({_listed(kept)}). Left out: {reasons}"
        )
    return LabelSelection(kept, left_out)


def limit_per_label(
    guids: Sequence[str], labels: Sequence[str], splits: Sequence[str], max_per_label: int
) -> list[bool]:
    """Says for each id whether it stays when a label has at most `max_per_label` ids.

    A label's places go to its splits in proportion by the Sainte-Lague (Webster) method, each split's first
    place before any other: a larger limit never takes a place away, as largest remainders can (the Alabama
    paradox). Within a split a fixed hash of the guid chooses. So a smaller limit gives a subset, and a limit
    of 3 or more loses no split.
    """
    members: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for guid, label, split in zip(guids, labels, splits, strict=True):
        members[label][split].append(guid)
    stays: set[str] = set()
    for by_split in members.values():
        sizes = {split: len(by_split[split]) for split in SPLITS if split in by_split}
        for split, number in _places(sizes, max_per_label).items():
            stays.update(sorted(by_split[split], key=fixed_hash)[:number])
    return [guid in stays for guid in guids]


def _places(sizes: Mapping[str, int], limit: int) -> dict[str, int]:
    if sum(sizes.values()) <= limit:
        return dict(sizes)
    places = dict.fromkeys(sizes, 0)
    for _ in range(limit):
        split = max(sizes, key=lambda name: (places[name] == 0, sizes[name] / (2 * places[name] + 1)))
        places[split] += 1
    return places


def _refuse_unknown(counts: Mapping[str, int], ignored: Sequence[str]) -> None:
    unknown = [label for label in dict.fromkeys(ignored) if label not in counts]
    if unknown:
        raise PrepareError("\n".join(_unknown(label, counts) for label in unknown))


def _unknown(label: str, counts: Mapping[str, int]) -> str:
    near = difflib.get_close_matches(label, counts, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"the labels are {_listed(sorted(counts))}"
    return f"prepare.ignored_labels: each must be a label that occurs, but got {label!r}; {hint}"


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(repr(label) for label in labels) or "none"
