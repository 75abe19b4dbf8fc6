from collections import Counter

import pytest

from finetune.reconcile.told import told, told_dropped
from finetune.storage.plan import Decision


@pytest.mark.parametrize(
    ("decision", "count", "line"),
    [
        (Decision.COPY_ABSENT, 2_321, "copied 2,321 files (not at home yet)"),
        (Decision.COPY_HASH, 1, "copied 1 file (of other content at home)"),
        (Decision.SKIP, 10, "kept 10 files (same size and hash)"),
    ],
)
def test_a_decision_reads_as_what_was_done_and_why(decision: Decision, count: int, line: str) -> None:
    assert told(decision, count) == line


@pytest.mark.parametrize("decision", sorted(set(Decision) - {Decision.COMPARE}))  # which becomes one of the others
def test_every_decision_has_words(decision: Decision) -> None:
    assert told(str(decision), 2).startswith("copied 2 files (" if decision.copies else "kept 2 files (")


def test_dropped_ids_are_told_by_kind_of_reason_the_most_frequent_first() -> None:
    kinds = Counter({"no label": 1, "no file": 2, "duplicate": 3, "conflicting labels": 1})
    assert told_dropped(kinds, 1_630) == (
        "dropped 7 of 1,630 ids: 3 duplicates, 2 with no file, 1 with no label, 1 with conflicting labels"
    )
    assert told_dropped(Counter({"duplicate": 1}), 2) == "dropped 1 of 2 ids: 1 duplicate"
