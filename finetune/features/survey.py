"""Surveys production where its files lie: which ids are wanted and whole, and into which groups they go."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from finetune.config.shards import FOLDER, HASH, RULES
from finetune.errors import PrepareError
from finetune.reconcile.guid import check_guid
from finetune.shards.assign import bucket, first_folder
from finetune.shards.merge import refuse_dropped
from finetune.shards.plan import File, Plan, Unit, make_plan
from finetune.storage.listing import ListedFile
from finetune.storage.tree import list_tree

DROPPED = "dropped"
ROWS_SHARE = 0.05
"""Bytes of features that are reckoned with for each byte of files."""

Row = dict[str, Any]


def survey(
    rows: Iterable[Row],
    *,
    folder: str,
    patterns: Sequence[str],
    groups: int,
    by: str,
    max_dropped: float,
    target: Path,
) -> tuple[Plan, list[int]]:
    """Writes the plan of the ids that the labels name; gives it with the bytes of each group.

    An id is a path below the folder, such as p30/p300001/3000001; it owns the files that lie there.

    Args:
        rows: Label rows; guid, label and further columns.
        folder: Production's folder.
        patterns: Names of files, or patterns such as *.hea: an id has at least one file of each.
        groups: How many groups.
        by: What stays together, as prepare.shards.by says.
        max_dropped: Share of the ids that may lack files; those are left out.
        target: The file to write.

    Raises:
        PrepareError: An id comes twice, too many lack files, or there are too few groups that stay together.
        ReconcileError: The labels or the folder cannot be read.
    """
    wanted = _by_guid(rows, by)
    found: dict[str, list[File]] = {}
    for guid, files in list_tree(folder):
        if guid in wanted:
            found[guid] = _matching(guid, files, patterns)
    dropped = dict(_incomplete(sorted(wanted), found, patterns, folder))
    refuse_dropped(dropped, len(wanted), max_dropped)

    def units() -> Iterator[Unit]:
        for guid in sorted(wanted.keys() - dropped.keys()):
            row = wanted[guid]
            yield Unit(guid, _key(guid, row.get(by), by, groups), found[guid], row["label"])

    return make_plan(units, groups=groups, about={DROPPED: dropped, "share": ROWS_SHARE}, target=target)


def _by_guid(rows: Iterable[Row], by: str) -> dict[str, Row]:
    wanted: dict[str, Row] = {}
    for row in rows:
        if by not in (*RULES, *row):
            known = ", ".join(RULES)
            raise PrepareError(f"prepare.shards.by: must be {known} or a column of the labels, but got {by!r}")
        if row["guid"] in wanted:
            raise PrepareError(
                f"production.labels: each id must come once, but {row['guid']!r} comes twice; mend the query"
            )
        for part in row["guid"].split("/"):
            wrong = check_guid(part)
            if wrong is not None:
                raise PrepareError(f"production.labels: id {row['guid']!r} must be a path of plain names: {wrong}")
        wanted[row["guid"]] = row
    if not wanted:
        raise PrepareError("production.labels: returned no rows; check the query or file")
    return wanted


def _matching(guid: str, files: Iterable[ListedFile], patterns: Sequence[str]) -> list[File]:
    named = [file for file in files if any(fnmatchcase(file.name, pattern) for pattern in patterns)]
    return [File(file.name, file.size, file.version) for file in sorted(named, key=lambda file: file.name)]


def _incomplete(
    guids: Iterable[str], found: dict[str, list[File]], patterns: Sequence[str], folder: str
) -> Iterator[tuple[str, str]]:
    for guid in guids:
        names = [file.name for file in found.get(guid, [])]
        missing = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in names)]
        if missing:
            yield guid, f"no file {' and '.join(missing)} in {folder.rstrip('/')}/{guid}"


def _key(guid: str, value: object, by: str, groups: int) -> str:
    if by == HASH:
        return bucket(guid, groups)
    return first_folder(guid) if by == FOLDER else f"id:{guid}" if value is None else f"value:{value}"
