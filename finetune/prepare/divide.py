"""Divides the ids of a dataset into groups: selection and split are decided once, before any group is encoded."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from finetune.config.shards import FOLDER, HASH, RULES
from finetune.errors import PrepareError
from finetune.prepare.prepare import Chosen
from finetune.reconcile.manifest import Manifest
from finetune.shards.assign import bucket, first_folder
from finetune.shards.plan import File, Plan, Unit, make_plan

NAMES, LEFT_OUT = "names", "left_out"
ENCODED_SHARE = 1.0
"""Bytes of encoded examples that are reckoned with for each byte of files."""


def divide(
    manifest: Manifest, chosen: Chosen, *, files_at_home: Sequence[str], groups: int, by: str, target: Path
) -> tuple[Plan, list[int]]:
    """Writes the plan of a dataset; gives it with the bytes of each group.

    Args:
        manifest: Of the files at home.
        chosen: The ids with label and split.
        files_at_home: Names of the files that are encoded.
        groups: How many groups.
        by: What stays together, as prepare.shards.by says.
        target: The file to write.

    Raises:
        PrepareError: `by` is no column of the labels, or there are too few groups of ids that stay together.
    """
    known = (*RULES, *manifest.further_columns)
    if by not in known:
        columns = ", ".join(known)
        raise PrepareError(f"prepare.shards.by: must be one of {columns}, but got {by!r}")
    about = {NAMES: chosen.names, LEFT_OUT: chosen.left_out, "share": ENCODED_SHARE}
    names = set(files_at_home)
    return make_plan(lambda: _units(manifest, chosen, names, by, groups), groups=groups, about=about, target=target)


def _units(manifest: Manifest, chosen: Chosen, names: set[str], by: str, groups: int) -> Iterator[Unit]:
    column = [by] if by in manifest.further_columns else []
    guid, key, files = "", "", list[File]()
    for row in manifest.rows(["guid", "path", "size", "hash", "dropped", *column]):
        if row["dropped"] is not None or row["guid"] not in chosen.labels:
            continue
        if row["guid"] != guid:
            if files:
                yield Unit(guid, key, files, chosen.labels[guid], chosen.splits[guid])
            guid, files = row["guid"], []
            key = _key(guid, row[by] if column else None, by, groups)
        name = row["path"].partition("/")[2]
        if name in names:
            files.append(File(name, row["size"], row["hash"]))
    if files:
        yield Unit(guid, key, files, chosen.labels[guid], chosen.splits[guid])


def _key(guid: str, value: object, by: str, groups: int) -> str:
    """An id without a value in the column is a key of its own."""
    if by == HASH:
        return bucket(guid, groups)
    if by == FOLDER:
        return first_folder(guid)
    return f"id:{guid}" if value is None or not str(value).strip() else f"value:{value}"


def chosen_of(plan: Plan) -> Chosen:
    """The ids of a plan as they were chosen."""
    table, about = plan.table(["guid", "label", "split"]), plan.about
    guids = table.column("guid").to_pylist()
    return Chosen(
        guids=guids,
        labels=dict(zip(guids, table.column("label").to_pylist(), strict=True)),
        splits=dict(zip(guids, table.column("split").to_pylist(), strict=True)),
        names=about[NAMES],
        left_out=about[LEFT_OUT],
    )
