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


@pytest.mark.parametrize("decision", Decision)
def test_every_decision_has_words(decision: Decision) -> None:
    assert told(str(decision), 2).startswith("copied 2 files (" if decision.copies else "kept 2 files (")


def test_dropped_ids_are_told_by_kind_of_reason_the_most_frequent_first() -> None:
    reasons = ["no label", "duplicate of a", "no file: x.json", "duplicate of b", "no file: y.json", "duplicate of a"]
    reasons += ["conflicting labels: tag, text"]
    assert told_dropped(reasons, 1_630) == (
        "dropped 7 of 1,630 ids: 3 duplicates, 2 with no file, 1 with no label, 1 with conflicting labels"
    )
    assert told_dropped(["duplicate of a"], 2) == "dropped 1 of 2 ids: 1 duplicate"
