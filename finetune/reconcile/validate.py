"""Checks that every kept id has all files_at_home, repairs what is missing, and fails with the list if it cannot."""

from finetune.errors import ReconcileError
from finetune.progress import say
from finetune.reconcile.transfer import AtHome, Batch, Transfer
from finetune.words import counted

SHOWN = 20


class Validation:
    """What is missing at home, over all batches."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer, self._missing, self._count = transfer, list[str](), 0

    def complete(self, batch: Batch, found: AtHome) -> AtHome:
        """Repairs the ids of a batch that lack a file: copies and processes them once more.

        Returns:
            What each id has at home now.
        """
        names = self._transfer.files_at_home
        lacking = {guid for guid, files in found if len(files) < len(names)}
        incomplete = [item for item in batch if item[0]["guid"] in lacking]
        if not incomplete:
            return found
        say(f"files missing at home: copying and processing {counted(len(incomplete), 'id')} again")
        repaired = dict(self._transfer.repair(incomplete))
        for guid, files in repaired.items():
            there = {file.path for file in files}
            absent = [f"{guid}/{name}" for name in names if f"{guid}/{name}" not in there]
            self._count += len(absent)
            self._missing += absent[: SHOWN - len(self._missing)]
        return [(guid, repaired.get(guid, files)) for guid, files in found]

    def refuse_missing(self) -> None:
        """Called after the last batch.

        Raises:
            ReconcileError: Files could not be copied, or are still missing; lists them.
        """
        self._transfer.refuse_failures()
        if not self._count:
            return
        lines = [f"  {path}" for path in self._missing]
        if self._count > len(lines):
            lines.append(f"  and {self._count - len(lines):,} more")
        raise ReconcileError(
            f"reconcile.files_at_home: {counted(self._count, 'file')} neither copied nor written by process_func; "
            f"list them in production.files_from_production, or let process_func write them:\n" + "\n".join(lines)
        )
