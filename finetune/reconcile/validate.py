"""Checks that every kept id has all files_at_home, repairs what is missing, and fails with the list if it cannot."""

from collections.abc import Mapping
from typing import Any

from finetune.errors import ReconcileError
from finetune.progress import say
from finetune.reconcile.manifest import FileAtHome
from finetune.reconcile.transfer import Transfer

SHOWN = 20


def validate(
    transfer: Transfer,
    rows: Mapping[str, Mapping[str, Any]],
    files: dict[str, list[FileAtHome]],
    hashes: Mapping[str, Mapping[str, str]],
) -> None:
    """Repairs ids that lack a file: copies and processes them once more.

    Args:
        transfer: How ids come home.
        rows: Label row of each id.
        files: What each id has at home; repaired ids are updated in place.
        hashes: SHA-256 of each id's files in production.

    Raises:
        ReconcileError: Files are still missing; lists them.
    """
    incomplete = [guid for guid, found in files.items() if len(found) < len(transfer.files_at_home)]
    if not incomplete:
        return
    say(f"{len(incomplete):,} ids lack files at home; copying and processing them again")
    for guid in incomplete:
        files[guid] = transfer.repair(rows[guid], hashes[guid])
    missing = [
        f"  {guid}/{name}"
        for guid in incomplete
        for name in transfer.files_at_home
        if f"{guid}/{name}" not in {file.path for file in files[guid]}
    ]
    if missing:
        raise ReconcileError(
            f"reconcile.files_at_home: {len(missing):,} files are neither copied nor written by process_func; list "
            f"them in production.files_from_production, or let process_func write them:\n" + "\n".join(missing[:SHOWN])
        )
