"""Reconciles labels with raw files: selects ids, brings them home, checks them, and writes the manifest."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.errors import ReconcileError
from finetune.experiment import Home
from finetune.progress import say
from finetune.reconcile.guid import refuse_unsafe_ids
from finetune.reconcile.journal import open_journal
from finetune.reconcile.manifest import FileAtHome, Manifest, write_manifest
from finetune.reconcile.occupant import mark_complete
from finetune.reconcile.parallel import in_parallel
from finetune.reconcile.select import drop_duplicates, match
from finetune.reconcile.snapshot import Production, Snapshot, read_snapshot
from finetune.reconcile.told import told, told_dropped
from finetune.reconcile.transfer import ProcessFunc, Transfer
from finetune.reconcile.validate import validate
from finetune.storage.counter import RETRIES
from finetune.storage.disk import disk_errors
from finetune.storage.storage import Held, storage_of
from finetune.storage.uri import Place, S3Uri, join, to_place

Hashes = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Reconciled:
    """What reconcile made: the manifest, and how many files were copied or skipped, by decision."""

    manifest: Manifest
    decisions: dict[str, int]
    retries: int = 0
    """Requests to S3 that were tried again."""


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
    refuse_unsafe_ids(row["guid"] for row in there.rows)
    _refuse_home_in_production(home, production)
    storage, retried_before = home.storage, RETRIES.count
    with (
        disk_errors(f"reconcile in {home.path}", str(home.path)),
        storage.locked(str(home.lock), f"{home.experiment}'s experiment home") as lock,
        storage.scratch(str(home.reconciled)) as scratch,
        open_journal(home, process_hash) as journal,
        ThreadPoolExecutor(workers) as pool,  # left first, so that no thread still works when the others are closed
    ):
        storage.delete(str(home.complete))
        kept, dropped, hashes = _select(there, home, production, files_from_production, pool)
        if dropped:
            say(told_dropped(dropped.values(), len(kept) + len(dropped)))
        rows = _label_rows(there, kept)
        names = (files_from_production, files_at_home)
        places = (storage, production, str(home.reconciled), scratch)
        transfer = Transfer(*places, *names, process_func, overwrite, journal, lock)
        files = validate(transfer, rows, _bring_home(transfer, rows, kept, hashes, pool), hashes, pool)
        manifest = _record(home, lock, target, rows, files, dropped)
    retries = RETRIES.count - retried_before
    if retries:
        say(f"S3 failed for a moment: {retries:,} requests were tried again")
    return Reconciled(manifest, dict(transfer.decisions), retries)


def _refuse_home_in_production(home: Home, production: str) -> None:
    if _lies_in(home.path, to_place(production)):
        raise ReconcileError(
            f"root: must not lie in production, which is never written, but got {home.path} in {production}; "
            f"set root: to another folder"
        )


def _lies_in(place: Place, other: Place) -> bool:
    if isinstance(place, S3Uri) or isinstance(other, S3Uri):
        return isinstance(place, S3Uri) and isinstance(other, S3Uri) and other.holds(place)
    return place.resolve().is_relative_to(other.resolve())


def _select(
    there: Production, home: Home, production: str, names: Sequence[str], pool: ThreadPoolExecutor
) -> tuple[dict[str, str], dict[str, str], Hashes]:
    listed = {guid: [file.name for file in files] for guid, files in there.files.items()}
    matched = match([(row["guid"], row["label"]) for row in there.rows], listed, names)

    source, resumed = storage_of(production), any(True for _ in home.storage.below(str(home.reconciled)))

    def hash_id(guid: str) -> dict[str, str]:
        versions = {file.name: file.version for file in there.files[guid]}
        with disk_errors(f"read id {guid} of production", production):
            return {name: hash_one(guid, name, versions[name]) for name in names}

    def hash_one(guid: str, name: str, version: str) -> str:
        known = home.storage.known_hash(join(str(home.reconciled), guid, name), version) if resumed else None
        return known or source.hash(join(production, guid, name), version)

    guids = list(matched.kept)
    hashes = dict(zip(guids, in_parallel(pool, hash_id, guids, "hash production"), strict=True))
    content = {guid: " ".join(found.values()) for guid, found in hashes.items()}
    unique = drop_duplicates(matched.kept, content)
    if not unique.kept:
        with_files = sum(map(bool, there.files.values()))
        raise ReconcileError(
            f"no id is left of {len(there.rows):,} label rows and {with_files:,} ids with files; "
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
    found = in_parallel(pool, lambda guid: transfer.bring_home(rows[guid], hashes[guid]), guids, "bring home")
    files = dict(zip(guids, found, strict=True))
    for decision, count in sorted(transfer.decisions.items()):
        say(told(decision, count))
    return files


def _record(
    home: Home,
    lock: Held,
    target: Path,
    rows: Mapping[str, Mapping[str, Any]],
    files: Mapping[str, list[FileAtHome]],
    dropped: Mapping[str, str],
) -> Manifest:
    """Writes what came of it: the manifest, the label counts and, last, the marker that all is at home.

    Nothing goes into a home whose lock was lost: it is another process's now.
    """
    with disk_errors(f"write {target}", target):
        manifest = write_manifest(target, rows=rows, kept=files, dropped=dropped)
    lock.check()
    counts = json.dumps(manifest.label_counts(), indent=2, ensure_ascii=False)
    home.storage.write(str(home.label_counts), f"{counts}\n".encode())
    lock.check()
    mark_complete(home, manifest)
    return manifest
