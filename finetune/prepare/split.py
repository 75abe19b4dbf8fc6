"""Decides which ids are train, validation and test: pure, stratified by label, and the same on every machine.

Which ids are test follows from the guids, their labels and the test share alone, so that results of all
experiments on one manifest compare; the seed decides only between train and validation. Every sum below is of
whole numbers: floating point may differ between processors, and one different bit could move an id.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import floor

import numpy as np
import numpy.typing as npt

from finetune.errors import PrepareError

TRAIN, VALIDATION, TEST = SPLITS = ("train", "validation", "test")

_SCALE = 2**20
_WINDOW = 16
"""Groups, in hash order, among which the best is taken next: more would favour small groups too much."""

_Counts = npt.NDArray[np.int64]


def assign_splits(
    guids: Sequence[str],
    labels: Sequence[str],
    *,
    validation: float,
    test: float,
    seed: int,
    groups: Sequence[str | None] | None = None,
) -> list[str]:
    """Gives each id its split, "train", "validation" or "test", in the order of `guids`.

    Without groups each label's counts are its rounded shares, and at least one id in each split. A smaller
    test share gives a subset of the test ids, with groups too.

    Args:
        guids: Artifact ids, each once.
        labels: The label of each id.
        validation: Share of each label's ids in validation; above 0, and below 1 together with `test`.
        test: Share of each label's ids in test.
        seed: Shuffles train and validation.
        groups: A value for each id. Ids of one value stay in one split, and the counts of each label come as
            near to its shares as that allows: a label stays in train first, then gets a test group, then a
            validation group. An id with an empty value is a group of its own. Values train, validation and
            test are the splits themselves.

    Raises:
        PrepareError: A guid occurs twice, a label has fewer than 3 ids, the groups leave a split empty, or a
            column of splits lacks a split, holds other values or leaves a label out of train.
    """
    _refuse_repeated(guids)
    if groups is not None and names_splits(groups):
        return _given_splits(guids, labels, groups)
    refuse_small_labels(labels)
    keys = _group_keys(guids, groups)
    if len(set(keys)) == len(keys):
        splits = _stratified(guids, labels, validation, test, seed)
        return [splits[guid] for guid in guids]
    splits = _grouped(keys, labels, validation, test, seed)
    return [splits[key] for key in keys]


def fixed_hash(text: str) -> bytes:
    """Gives 16 bytes that depend on the text alone; ids in their order are shuffled once and for all."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _stratified(
    guids: Sequence[str], labels: Sequence[str], validation: float, test: float, seed: int
) -> dict[str, str]:
    by_label: dict[str, list[str]] = defaultdict(list)
    for guid, label in zip(guids, labels, strict=True):
        by_label[label].append(guid)
    splits: dict[str, str] = {}
    for ids in by_label.values():
        for_test = _rounded(test, len(ids), most=len(ids) - 2)
        for_validation = _rounded(validation, len(ids), most=len(ids) - for_test - 1)
        ranked = sorted(ids, key=fixed_hash)
        rest = _shuffled(ranked[for_test:], seed)
        splits.update(dict.fromkeys(ranked[:for_test], TEST))
        splits.update(dict.fromkeys(rest[:for_validation], VALIDATION))
        splits.update(dict.fromkeys(rest[for_validation:], TRAIN))
    return splits


def _rounded(share: float, count: int, most: int) -> int:
    return max(1, min(most, floor(share * count + 0.5)))


def _shuffled(keys: list[str], seed: int) -> list[str]:
    return sorted(keys, key=lambda key: fixed_hash(f"{seed}:{key}"))


def _group_keys(guids: Sequence[str], groups: Sequence[str | None] | None) -> list[str]:
    if groups is None:
        return list(guids)
    pairs = zip(guids, groups, strict=True)
    return [f"group:{group}" if group and group.strip() else f"id:{guid}" for guid, group in pairs]


def _grouped(keys: Sequence[str], labels: Sequence[str], validation: float, test: float, seed: int) -> dict[str, str]:
    names = {label: column for column, label in enumerate(sorted(set(labels)))}
    counts = {key: np.zeros(len(names), np.int64) for key in keys}
    for key, label in zip(keys, labels, strict=True):
        counts[key][names[label]] += 1
    ranked = sorted(counts, key=fixed_hash)
    table = np.stack([counts[key] for key in ranked])
    totals, holders = table.sum(axis=0), (table > 0).sum(axis=0)
    # A label in three groups or more keeps two of them back: one for train and one for validation.
    for_test = {ranked[i] for i in _Fill(table, totals, 1 + (holders >= 3)).closest(test)}
    rest = _shuffled([key for key in ranked if key not in for_test], seed)
    table = np.array([counts[key] for key in rest])
    for_validation = {rest[i] for i in _Fill(table, totals, np.ones_like(totals)).closest(validation)}
    for split, taken in ((TEST, for_test), (VALIDATION, for_validation)):
        if not taken:
            raise PrepareError(
                f"prepare.split.by: the column's {len(counts)} groups leave no id for {split}, since each "
                "label must stay in train; choose a column with more groups, or leave prepare.split.by out"
            )
    chosen = dict.fromkeys(for_test, TEST) | dict.fromkeys(for_validation, VALIDATION)
    return {key: chosen.get(key, TRAIN) for key in counts}


class _Fill:
    """Fills one split with groups, in an order that its share does not change: a smaller share is a subset.

    The order first gives every label a group, the label in the fewest groups first. Then it takes, out of the
    next few groups in hash order, the one by which the sum over labels of (share of the label's ids taken)^2
    grows least for what it brings: large groups, and labels that are ahead, wait. The last groups of a label,
    `reserve` of them, are never taken.
    """

    def __init__(self, counts: _Counts, totals: _Counts, reserve: _Counts) -> None:
        """Takes ids per group and label, and per label the number of ids and of groups to keep back."""
        self.counts, self.totals, self.reserve = counts, totals, reserve
        self.holders = (counts > 0).sum(axis=0)
        self.taken = np.zeros_like(totals)
        self.order: list[int] = []

    def closest(self, share: float) -> list[int]:
        """Gives the groups up to the point where sum over labels of (share taken - `share`)^2 is smallest."""
        self._cover()
        target = round(share * _SCALE)
        length, best = len(self.order), self._distance(target)
        waiting = sorted(set(range(len(self.counts))) - set(self.order))
        while waiting and not self._past(target, best):
            window = np.array(waiting[:_WINDOW])
            free = self._free(window)
            if len(free) < len(window):
                waiting[:_WINDOW] = free.tolist()
                continue
            chosen = self._take_best(free)
            waiting.remove(chosen)
            distance = self._distance(target)
            if distance < best:
                length, best = len(self.order), distance
        return self.order[:length]

    def _cover(self) -> None:
        for label in np.argsort(self.holders, kind="stable"):
            if self.taken[label] == 0:
                free = self._free(np.flatnonzero(self.counts[:, label]))
                if len(free):
                    self._take_best(free)

    def _free(self, groups: _Counts) -> _Counts:
        last = (self.counts[groups] > 0) & (self.holders <= self.reserve)
        free: _Counts = groups[~last.any(axis=1)]
        return free

    def _take_best(self, groups: _Counts) -> int:
        brings = self.counts[groups] * _SCALE // self.totals
        growth = (brings * (2 * self._shares() + brings)).sum(axis=1) // np.maximum(1, brings.sum(axis=1))
        chosen = int(groups[growth.argmin()])
        self.taken = self.taken + self.counts[chosen]
        self.holders = self.holders - (self.counts[chosen] > 0)
        self.order.append(chosen)
        return chosen

    def _shares(self) -> _Counts:
        return self.taken * _SCALE // self.totals

    def _distance(self, target: int) -> int:
        return int(((self._shares() - target) ** 2).sum())

    def _past(self, target: int, best: int) -> bool:
        # The distance is at least excess^2 / labels (Cauchy-Schwarz), and the excess only grows from here.
        excess = int(self._shares().sum()) - target * len(self.totals)
        return excess > 0 and excess**2 > best * len(self.totals)


def names_splits(groups: Iterable[str | None]) -> bool:
    """Whether a column's values are meant as the splits themselves."""
    values = {group.strip().casefold() for group in groups if group}
    # With both train and test a column means splits even where a value is misspelt: as groups they would mix.
    return bool(values) and (values <= set(SPLITS) or values >= {TRAIN, TEST})


def _given_splits(guids: Sequence[str], labels: Sequence[str], groups: Sequence[str | None]) -> list[str]:
    counts = Counter(group or "" for group in groups)
    wrong = [f"{value!r} ({counts[value]} ids)" for value in sorted(set(counts) - set(SPLITS))]
    if wrong:
        example = next(guid for guid, group in zip(guids, groups, strict=True) if group not in SPLITS)
        raise PrepareError(
            "prepare.split.by: the column holds split names, so each value must be train, validation or "
            f"test, but got {', '.join(wrong[:10])}, for example for {example!r}; correct the column"
        )
    absent = [split for split in SPLITS if split not in counts]
    if absent:
        raise PrepareError(
            f"prepare.split.by: the column holds split names, but no id has {' or '.join(absent)}; "
            "all of train, validation and test must occur among the ids of the kept labels"
        )
    untrained = set(labels) - {label for label, split in zip(labels, groups, strict=True) if split == TRAIN}
    if untrained:
        raise PrepareError(
            "prepare.split.by: each label must occur in train, but no train id has "
            f"{', '.join(sorted(untrained))}; correct the column, or add it to prepare.ignored_labels"
        )
    return [group or "" for group in groups]


def _refuse_repeated(guids: Sequence[str]) -> None:
    if len(set(guids)) < len(guids):
        repeated = [guid for guid, count in Counter(guids).items() if count > 1]
        raise PrepareError(f"an id must occur once in the split, but {repeated[0]!r} occurs more than once")


def refuse_small_labels(labels: Iterable[str]) -> None:
    """Refuses labels that occur too seldom to be in each split; takes the label of each id.

    Raises:
        PrepareError: Names the labels, and how many ids each has.
    """
    small = sorted((label, count) for label, count in Counter(labels).items() if count < len(SPLITS))
    if small:
        raise PrepareError(
            "prepare.split: a label must have at least 3 ids, one for each split, but got "
            f"{', '.join(f'{label} ({count})' for label, count in small)}; correct it where it is misspelt, add it to "
            "prepare.ignored_labels, raise prepare.num_labels_threshold to 3, or find more ids of it"
        )
