"""Publishes a local folder in S3: many files, in threads, without those that are there already."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from finetune.progress import say, track
from finetune.storage.client import THREADS
from finetune.storage.digest import Digest
from finetune.storage.disk import disk_errors
from finetune.storage.listing import ListedFile
from finetune.storage.plan import Copy, Decision, compared, decide
from finetune.storage.storage import storage_of
from finetune.storage.uri import join
from finetune.words import counted


def publish(folder: Path, place: str, names: Sequence[str] | None = None) -> dict[Decision, int]:
    """Copies files of a folder (all, or those named) below a place in S3, and says how many were copied, and why.

    Files of the same size and hash are skipped. What else lies there stays.

    Raises:
        FinetuneError: A file cannot be read or put.
    """
    storage = storage_of(place)
    fresh = next(iter(storage.below(place)), None) is None
    if names is None:
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())

    def bring(name: str) -> Decision:
        source, target = folder / name, join(place, name)
        with disk_errors(f"read {source}", source):
            file = Copy(str(source), target, source.stat().st_size, "", Digest.of_file(source))
        there = None if fresh else storage.find(target)
        decision = decide(file, None if there is None else ListedFile(name, there.size, ""), overwrite=False)
        if decision is Decision.COMPARE:
            decision = compared(storage.holds(target, file))
        if decision.copies:
            storage.copy(file, scratch="")
        return decision

    with ThreadPoolExecutor(THREADS) as pool:
        done = list(track(pool.map(bring, names), f"publish {folder}", len(names), "file"))
    counts = {decision: done.count(decision) for decision in Decision if decision in done}
    for decision, count in counts.items():
        why = "" if decision.copies else " (same size and hash)"
        say(f"{'published' if decision.copies else 'kept'} {counted(count, 'file')}{why}")
    return counts
