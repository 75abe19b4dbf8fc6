import pytest

from finetune.reconcile.told import told
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
