"""Decides which artifact ids are kept and why the others are dropped: pure.

There are two stages, because only ids that both sides have are worth the reading that a content hash costs.

| label rows of the id     | required files | stage 1                                |
| ------------------------ | -------------- | -------------------------------------- |
| none, or only null/empty | any            | no label                               |
| different labels         | any            | conflicting labels: <label>, <label>   |
| one label                | some absent    | no file: <file>, <file>                |
| one label                | all there      | kept                                   |

| ids with the same content | stage 2                                                  |
| ------------------------- | -------------------------------------------------------- |
| one                       | kept                                                     |
| several, one label        | smallest guid kept, others: duplicate of <guid>          |
| several, different labels | all dropped: conflicting labels: same content as <guid>  |
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

NO_LABEL = "no label"
NO_FILE = "no file"
CONFLICT = "conflicting labels"
DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Matched:
    """What a stage decided, sorted by guid: the label of each id it keeps, the reason for each it drops."""

    kept: dict[str, str]
    dropped: dict[str, str]


@dataclass
class Same:
    """What must be known of ids with the same content to decide on each: the first, and the first of another label."""

    first: str
    label: str
    other: str | None = None

    def add(self, guid: str, label: str) -> None:
        """Takes a further id; they come in order of guid."""
        if self.other is None and label != self.label:
            self.other = guid

    def reason(self, guid: str, label: str) -> str | None:
        """Why an id of them is dropped, once all were added; None if it is kept."""
        if self.other is None:
            return None if guid == self.first else f"{DUPLICATE} of {self.first}"
        return f"{CONFLICT}: same content as {self.other if label == self.label else self.first}"


def match(
    label_rows: Iterable[tuple[str, str | None]],
    files: Mapping[str, Collection[str]],
    required_files: Collection[str],
) -> Matched:
    """Keeps the ids that have one label and all required files.

    Args:
        label_rows: (guid, label) pairs. A null or blank label says nothing, so it contradicts no other row.
        files: Names of the files of each id.
        required_files: Names that each id must have.
    """
    labels: dict[str, set[str]] = {guid: set() for guid in files}
    for guid, label in label_rows:
        given = labels.setdefault(guid, set())
        if label is not None and label.strip():
            given.add(label)
    kept: dict[str, str] = {}
    dropped: dict[str, str] = {}
    for guid in sorted(labels):
        reason = _mismatch(labels[guid], files.get(guid, ()), required_files)
        if reason is None:
            kept[guid] = labels[guid].pop()
        else:
            dropped[guid] = reason
    return Matched(kept, dropped)


def drop_duplicates(kept: Mapping[str, str], hashes: Mapping[str, str]) -> Matched:
    """Keeps one id for each content, and none where equal content has different labels.

    Args:
        kept: Label of each id that the first stage kept.
        hashes: Content hash of at least these ids.
    """
    same: dict[str, list[str]] = defaultdict(list)
    for guid in sorted(kept):
        same[hashes[guid]].append(guid)
    dropped: dict[str, str] = {}
    for guids in same.values():
        if len(guids) > 1:
            dropped.update(_repeated(guids, kept))
    return Matched(
        {guid: kept[guid] for guid in sorted(kept) if guid not in dropped},
        {guid: dropped[guid] for guid in sorted(dropped)},
    )


def reason_kind(reason: str) -> str:
    """Gives the kind of a reason, to count by: what stands before the first colon, or "duplicate"."""
    return DUPLICATE if reason.startswith(f"{DUPLICATE} of ") else reason.partition(":")[0]


def _mismatch(labels: set[str], names: Collection[str], required_files: Collection[str]) -> str | None:
    if not labels:
        return NO_LABEL
    if len(labels) > 1:
        return f"{CONFLICT}: {', '.join(sorted(labels))}"
    absent = [name for name in required_files if name not in names]
    return f"{NO_FILE}: {', '.join(absent)}" if absent else None


def _repeated(guids: list[str], labels: Mapping[str, str]) -> dict[str, str]:
    """Gives the reasons for ids of equal content, sorted by guid."""
    first = Same(guids[0], labels[guids[0]])
    for guid in guids:
        first.add(guid, labels[guid])
    reasons = {guid: first.reason(guid, labels[guid]) for guid in guids}
    return {guid: reason for guid, reason in reasons.items() if reason is not None}
