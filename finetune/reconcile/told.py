"""What became of files, in words: "copied 2,321 files (not at home yet)"."""

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
