"""Checks that every kept id has all files_at_home, repairs what is missing, and fails with the list if it cannot."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from finetune.errors import ReconcileError
from finetune.progress import say
from finetune.reconcile.manifest import FileAtHome
from finetune.reconcile.parallel import in_parallel
from finetune.reconcile.transfer import Transfer
from finetune.words import counted

SHOWN = 20


def validate(
    transfer: Transfer,
    rows: Mapping[str, Mapping[str, Any]],
    files: Mapping[str, list[FileAtHome]],
    hashes: Mapping[str, Mapping[str, str]],
    pool: ThreadPoolExecutor,
) -> dict[str, list[FileAtHome]]:
    """Repairs ids that lack a file: copies and processes them once more.

    Args:
        transfer: How ids come home.
        rows: Label row of each id.
        files: What each id has at home.
        hashes: SHA-256 of each id's files in production.
        pool: Threads that repair.

    Returns:
        What each id has at home now: all files_at_home.

    Raises:
        ReconcileError: Files are still missing; lists them.
    """
    incomplete = [guid for guid, found in files.items() if len(found) < len(transfer.files_at_home)]
    if not incomplete:
        return dict(files)
    say(f"files missing at home: copying and processing {counted(len(incomplete), 'id')} again")
    found = in_parallel(pool, lambda guid: transfer.repair(rows[guid], hashes[guid]), incomplete, "repair")
    repaired = dict(zip(incomplete, found, strict=True))
    _refuse_missing(repaired, transfer)
    return {**files, **repaired}


def _refuse_missing(repaired: Mapping[str, list[FileAtHome]], transfer: Transfer) -> None:
    there = {file.path for files in repaired.values() for file in files}
    called_for = [f"{guid}/{name}" for guid in repaired for name in transfer.files_at_home]
    missing = [f"  {path}" for path in called_for if path not in there]
    if missing:
        more = [f"  and {len(missing) - SHOWN:,} more"] if len(missing) > SHOWN else []
        raise ReconcileError(
            f"reconcile.files_at_home: {counted(len(missing), 'file')} neither copied nor written by process_func; "
            f"list them in production.files_from_production, or let process_func write them:\n"
            + "\n".join(missing[:SHOWN] + more)
        )
