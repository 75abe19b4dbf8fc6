"""What became of files, in words: "copied 2,321 files (not at home yet)"."""

from collections import Counter

from finetune.reconcile.select import DUPLICATE
from finetune.storage.plan import Decision
from finetune.words import counted

WHY = {
    Decision.COPY_ABSENT: "not at home yet",
    Decision.COPY_SIZE: "of another size at home",
    Decision.COPY_HASH: "of other content at home",
    Decision.COPY_OVERWRITE: "reconcile.overwrite is set",
    Decision.SKIP: "same size and hash",
}


def told(decision: str, count: int) -> str:
    """Says how many files were copied or kept, and why."""
    found = Decision(decision)
    return f"{'copied' if found.copies else 'kept'} {counted(count, 'file')} ({WHY[found]})"


def told_dropped(kinds: Counter[str], total: int) -> str:
    """Says how many of all ids were dropped, and why: "dropped 3 of 630 ids: 2 duplicates, 1 with no label"."""
    parts = (
        counted(count, kind) if kind == DUPLICATE else f"{count:,} with {kind}" for kind, count in kinds.most_common()
    )
    return f"dropped {kinds.total():,} of {counted(total, 'id')}: {', '.join(parts)}"
