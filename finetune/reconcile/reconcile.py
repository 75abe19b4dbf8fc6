"""Reconciles labels with raw files: selects ids, brings them home, checks them, and writes the manifest."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from finetune.errors import ReconcileError
from finetune.experiment import Home
from finetune.progress import say, track
from finetune.reconcile.guid import check_guid, printable
from finetune.reconcile.journal import Journal
from finetune.reconcile.manifest import FileAtHome, Manifest, write_manifest
from finetune.reconcile.select import drop_duplicates, match
from finetune.reconcile.snapshot import Production, Snapshot, read_snapshot
from finetune.reconcile.transfer import ProcessFunc, Transfer
from finetune.reconcile.validate import validate
from finetune.storage.copy import hash_file
from finetune.storage.lock import locked

T = TypeVar("T")
R = TypeVar("R")
Hashes = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Reconciled:
    """What reconcile made: the manifest, and how many files were copied or skipped, by decision."""

    manifest: Manifest
    decisions: dict[str, int]


def reconcile(
    snapshot: Snapshot,
    *,
    home: Home,
    production: str,
    files_from_production: Sequence[str],
    files_at_home: Sequence[str],
    process_func: ProcessFunc | None,
    process_hash: str,
    overwrite: bool,
    workers: int,
    target: Path,
) -> Reconciled:
    """Brings every id that has both a label and files into the experiment home.

    Args:
        snapshot: What there is in production.
        home: The experiment home; locked while it is written.
        production: Production's folder of ids.
        files_from_production: Names of the files to copy.
        files_at_home: Names of the files that each id must have afterwards.
        process_func: The experiment's function, called once per id after its files are copied.
        process_hash: Hash of process_func's code; another hash processes every id again.
        overwrite: Copy and process what is there already.
        workers: Threads that work at the same time.
        target: The manifest's Parquet file.

    Raises:
        ReconcileError: An id would leave the home, no id is left, a file cannot be copied, process_func raised,
            or files are missing that cannot be repaired.
    """
    there = read_snapshot(snapshot)
    _refuse_unsafe_ids(row["guid"] for row in there.rows)
    with locked(home.lock, f"{home.experiment}'s experiment home"), ThreadPoolExecutor(workers) as pool:
        home.complete.unlink(missing_ok=True)
        kept, dropped, hashes = _select(there, Path(production), files_from_production, pool)
        rows = _label_rows(there, kept)
        home.reconciled.mkdir(parents=True, exist_ok=True)
        with Journal(home.journal, process_hash) as journal:
            transfer = Transfer(
                Path(production),
                home.reconciled,
                files_from_production,
                files_at_home,
                process_func,
                overwrite,
                journal,
            )
            files = _bring_home(transfer, rows, kept, hashes, pool)
            validate(transfer, rows, files, hashes)
        manifest = write_manifest(target, rows=_label_rows(there, kept), kept=files, dropped=dropped)
        _write_label_counts(home, manifest)
        home.complete.write_text(json.dumps({"ids": len(files)}), encoding="utf-8")
    return Reconciled(manifest, dict(transfer.decisions))


def _refuse_unsafe_ids(guids: Iterable[str]) -> None:
    unsafe = [f"  '{printable(guid)}' {rule}" for guid in guids if (rule := check_guid(guid)) is not None]
    if unsafe:
        shown = "\n".join(unsafe[:10])
        raise ReconcileError(
            f"production.labels: {len(unsafe)} ids cannot be folder names in the experiment home; nothing was copied; "
            f"leave them out in the query, or rename them:\n{shown}"
        )


def _select(
    there: Production, production: Path, names: Sequence[str], pool: ThreadPoolExecutor
) -> tuple[dict[str, str], dict[str, str], Hashes]:
    listed = {guid: [file.name for file in files] for guid, files in there.files.items()}
    matched = match([(row["guid"], row["label"]) for row in there.rows], listed, names)

    def hash_id(guid: str) -> dict[str, str]:
        try:
            return {name: hash_file(production / guid / name) for name in names}
        except OSError as error:
            raise ReconcileError(f"cannot read {error.filename} of production: {error.strerror}") from error

    guids = list(matched.kept)
    hashes = dict(zip(guids, _parallel(pool, hash_id, guids, "hash production"), strict=True))
    content = {guid: " ".join(found.values()) for guid, found in hashes.items()}
    unique = drop_duplicates(matched.kept, content)
    if not unique.kept:
        raise ReconcileError(
            f"no id is left of {len(there.rows):,} label rows and {len(there.files):,} ids with files; "
            f"check that production.labels and production.files belong together"
        )
    return dict(unique.kept), {**matched.dropped, **unique.dropped}, hashes


def _label_rows(there: Production, kept: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """One row of each labelled id: for a kept id, one that holds its label."""
    rows = ((row["guid"], row) for row in there.rows)
    return {guid: row for guid, row in rows if kept.get(guid, row["label"]) == row["label"]}


def _bring_home(
    transfer: Transfer,
    rows: Mapping[str, Any],
    kept: Mapping[str, str],
    hashes: Hashes,
    pool: ThreadPoolExecutor,
) -> dict[str, list[FileAtHome]]:
    guids = sorted(kept)
    found = _parallel(pool, lambda guid: transfer.bring_home(rows[guid], hashes[guid]), guids, "bring home")
    files = dict(zip(guids, found, strict=True))
    for decision, count in sorted(transfer.decisions.items()):
        say(f"{decision}: {count:,} files")
    return files


def _parallel(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Sequence[T], what: str) -> list[R]:
    """Does the work in threads, a slice of items at a time, and stops at the first error."""
    size = max(1, min(64, len(items) // 64))
    slices = [items[start : start + size] for start in range(0, len(items), size)]

    def work_on(part: Sequence[T]) -> list[R]:
        return [work(item) for item in part]

    futures = [pool.submit(work_on, part) for part in slices]
    try:
        return [result for result in track((r for f in futures for r in f.result()), what, len(items))]
    finally:
        for future in futures:
            future.cancel()


def _write_label_counts(home: Home, manifest: Manifest) -> None:
    counts = json.dumps(manifest.label_counts(), indent=2, ensure_ascii=False)
    home.label_counts.write_text(counts + "\n", encoding="utf-8")
