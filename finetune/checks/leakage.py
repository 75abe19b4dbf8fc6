"""Finds ids outside train whose group, or whose own id in another spelling, is in train: pure."""

import unicodedata
from collections.abc import Sequence

TRAIN = "train"


def spelling(guid: str) -> str:
    """Equal for ids that differ in case, spaces or the form of their characters alone."""
    return "".join(unicodedata.normalize("NFKC", guid).casefold().split())


def leaked(guids: Sequence[str], splits: Sequence[str], groups: Sequence[str | None]) -> list[str]:
    """The ids of other splits than train whose group is in train, too, in order; an id without a group leaks nothing.

    Args:
        guids: Ids.
        splits: The split of each id.
        groups: The group of each id.
    """
    trained = {group for split, group in zip(splits, groups, strict=True) if split == TRAIN and group is not None}
    placed = zip(guids, splits, groups, strict=True)
    return [guid for guid, split, group in placed if split != TRAIN and group in trained]
