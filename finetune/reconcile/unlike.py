"""Tells of ids whose label rows differ beside guid and label: one of them counts, and nobody chose which."""

from collections.abc import Sequence

from finetune.progress import say
from finetune.reconcile.selection import Selected
from finetune.reconcile.snapshot import InProduction
from finetune.words import counted


class Unlike:
    """Kept ids of which production has several rows that differ beside guid and label, such as those of a join."""

    def __init__(self, further: Sequence[str]) -> None:
        self._further = further
        self._ids, self._first, self._columns = 0, "", set[str]()

    def see(self, found: InProduction, selected: Selected) -> None:
        """Takes an id."""
        if selected.reason is not None or not (places := found.unlike(selected.label)):
            return
        self._ids, self._first = self._ids + 1, self._first or found.guid
        self._columns.update(self._further[place] for place in places)

    def tell(self) -> None:
        """Says how many there were, if any."""
        if self._ids:
            say(
                f"production.labels: {counted(self._ids, 'id')}, {self._first} the first, with several rows that "
                f"differ in {' and '.join(sorted(self._columns))}: one of them counts, the last in order of its "
                "values; leave one row for each guid in the labels"
            )
