"""Reconciles labels with raw files: selects ids, brings them home, checks them, and writes the manifest."""

import json
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from finetune.errors import ReconcileError
from finetune.experiment import Home
from finetune.progress import say
from finetune.reconcile.bringing import bring_home
from finetune.reconcile.guid import refuse_unsafe_ids
from finetune.reconcile.hashing import Hashing
from finetune.reconcile.journal import open_journal
from finetune.reconcile.manifest import Manifest, stream_manifest
from finetune.reconcile.occupant import mark_complete
from finetune.reconcile.selection import Selection, select_ids
from finetune.reconcile.snapshot import Snapshot, ids_of
from finetune.reconcile.told import told, told_dropped
from finetune.reconcile.transfer import ProcessFunc, Transfer
from finetune.storage.counter import RETRIES
from finetune.storage.disk import disk_errors
from finetune.storage.storage import Held
from finetune.storage.uri import Place, S3Uri, to_place


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
    refuse_unsafe_ids(row.guid for found in ids_of(snapshot, further=False) for row in found.rows)
    _refuse_home_in_production(home, production)
    storage, retried_before = home.storage, RETRIES.count
    with (
        disk_errors(f"reconcile in {home.path}", str(home.path)),
        tempfile.TemporaryDirectory(dir=target.parent, prefix="reconcile-") as folder,
        storage.locked(str(home.lock), f"{home.experiment}'s experiment home") as lock,
        storage.scratch(str(home.reconciled)) as scratch,
        open_journal(home, process_hash) as journal,
        ThreadPoolExecutor(workers) as pool,  # left first, so that no thread still works when the others are closed
    ):
        storage.delete(str(home.complete))
        hashing = Hashing(production, home, pool)
        selection = select_ids(snapshot, files_from_production, hash_all=hashing.all, folder=Path(folder))
        _tell(selection, snapshot)
        names = (files_from_production, files_at_home)
        places = (storage, production, str(home.reconciled), scratch)
        transfer = Transfer(*places, *names, process_func, overwrite, journal, lock, pool)
        lines = bring_home(snapshot, selection, hashing, transfer)
        with disk_errors(f"write {target}", target):
            manifest = stream_manifest(target, lines, snapshot.further_columns)
        _record(home, lock, manifest)
    done = Reconciled(manifest, dict(transfer.decisions), RETRIES.count - retried_before)
    _tell_end(done)
    return done


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


def _tell(selection: Selection, snapshot: Snapshot) -> None:
    """Says how many ids were dropped, and why.

    Raises:
        ReconcileError: All of them.
    """
    if selection.dropped:
        dropped = told_dropped(selection.dropped, selection.kept + selection.dropped.total())
        say(f"{dropped}; the report names them")
    if not selection.kept:
        sides = [(len(found.rows), bool(found.files)) for found in ids_of(snapshot, further=False)]
        rows, with_files = sum(rows for rows, _ in sides), sum(files for _, files in sides)
        raise ReconcileError(
            f"no id is left of {rows:,} label rows and {with_files:,} ids with files; "
            f"check that production.labels and production.files belong together"
        )


def _tell_end(done: Reconciled) -> None:
    for decision, count in sorted(done.decisions.items()):
        say(told(decision, count))
    if done.retries:
        say(f"S3 failed for a moment: {done.retries:,} requests were tried again")


def _record(home: Home, lock: Held, manifest: Manifest) -> None:
    """Writes what came of it into the home: the label counts and, last, the marker that all is there.

    Nothing goes into a home whose lock was lost: it is another process's now.
    """
    lock.check()
    counts = json.dumps(manifest.label_counts(), indent=2, ensure_ascii=False)
    home.storage.write(str(home.label_counts), f"{counts}\n".encode())
    lock.check()
    mark_complete(home, manifest)
