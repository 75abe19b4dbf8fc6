"""The rows of production that the functions are tried on, and their files in a folder of this machine."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from finetune.calls import call
from finetune.errors import FunctionsError, ReconcileError
from finetune.functions import Functions
from finetune.reconcile.guid import check_guid
from finetune.storage.storage import storage_of
from finetune.storage.uri import Place

ROWS_READ = 50_000
ROWS_TRIED = 4


def read_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], Counter[str]]:
    """The first rows that have a label, and the rows of each label: at least as many as the ids that are kept of it.

    Raises:
        ReconcileError: None has a label.
    """
    read: list[Mapping[str, Any]] = []
    counts: Counter[str] = Counter()
    for row in rows:
        if row["label"] and row["label"].strip():
            counts[row["label"]] += 1
            if len(read) < ROWS_READ:
                read.append(row)
    if not read:
        raise ReconcileError("production.labels: returned no row with a label; check the query or file")
    return read, counts


def choose_rows(
    rows: Sequence[Mapping[str, Any]], labels: Sequence[str], production: Place, names: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Rows of these labels to try, whose ids have all files.

    Raises:
        ReconcileError: There are none.
    """
    labelled = [row for row in rows if row["label"] in labels]
    chosen = list(islice(_with_files(_one_of_each_label(labelled), production, names), ROWS_TRIED))
    if not chosen:
        if isinstance(production, Path) and not production.is_dir():
            raise ReconcileError(
                f"production.files: the folder {production} does not exist; correct the path, or mount it"
            )
        raise ReconcileError(
            f"production: none of {len(labelled):,} labelled ids has {' and '.join(names)} in {production}"
            f"{_looked_for(labelled, production, names)}; check production.labels, production.files and "
            f"files_from_production"
        )
    return chosen


def _looked_for(rows: Sequence[Mapping[str, Any]], production: Place, names: Sequence[str]) -> str:
    return f" (looked for {production / rows[0]['guid'] / names[0]})" if rows else ""


def _one_of_each_label(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """All rows, those first that bring a label not seen before."""
    seen: set[str] = set()
    later = []
    for row in rows:
        if row["label"] in seen:
            later.append(row)
        else:
            seen.add(row["label"])
            yield row
    yield from later


def _with_files(
    rows: Iterable[Mapping[str, Any]], production: Place, names: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    exists = storage_of(production).exists
    for row in rows:
        if check_guid(row["guid"]) is None and all(exists(str(production / row["guid"] / name)) for name in names):
            yield row


def bring(
    functions: Functions,
    row: Mapping[str, Any],
    production: Place,
    names: Sequence[str],
    at_home: Sequence[str],
    home: Path,
) -> None:
    """Brings an id's files into a local folder and calls process_func, as reconcile would.

    Raises:
        FunctionsError: process_func raised, or a file is missing afterwards.
    """
    guid = row["guid"]
    folder = home / guid
    folder.mkdir(exist_ok=True)
    files = {name: str(folder / name) for name in names}
    for name in names:
        storage_of(production).fetch(str(production / guid / name), folder / name)
    if functions.process_func is not None:
        call(f"process_func for id {guid}", functions.process_func, dict(row), files, str(folder), True)
    missing = [name for name in at_home if not (folder / name).exists()]
    if missing:
        who = "there is no process_func to write" if functions.process_func is None else "process_func did not write"
        raise FunctionsError(
            f"reconcile.files_at_home: {who} {', '.join(missing)} for id {guid}; "
            f"let it write them, or list them in production.files_from_production"
        )
