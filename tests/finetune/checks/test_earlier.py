from dataclasses import replace
from pathlib import Path
from typing import Any

from finetune import runs
from finetune.checks.earlier import label_counts, labels_of_run
from finetune.experiment import Home
from finetune.reconcile.snapshot import Snapshot, take_snapshot
from finetune.runs import Status


def taken(folder: Path, *labels: str | None) -> Snapshot:
    """A snapshot with a row of each label, and an id without one."""
    folder.mkdir()
    for number in range(len(labels) + 1):
        (folder / f"id{number}").mkdir()
        (folder / f"id{number}" / "text.txt").write_text("words")
    rows: list[dict[str, Any]] = [{"guid": f"id{number}", "label": label} for number, label in enumerate(labels)]
    return take_snapshot(rows, folder=str(folder), names=["text.txt"], target=folder.with_suffix(".parquet"))


def ended(home: Home, production: Snapshot, status: Status = Status.COMPLETED) -> dict[str, Any]:
    """Ends a run as cli does; gives its labels."""
    run = runs.claim(home, stack="local", config={}, versions={})
    labels = labels_of_run(home, production)
    replace(run, status=status, labels=labels).write(home)
    return labels


def test_labels_are_compared_with_those_of_the_last_completed_run_that_had_others(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "outputs"), "EXP-1-words")
    one, other = taken(tmp_path / "one", "a", "b", None), taken(tmp_path / "other", "a", "a", "c")
    assert label_counts(one) == {"a": 1, "b": 1}
    first = ended(home, one)
    assert first == {"counts": {"a": 1, "b": 1}, "earlier": None}
    assert ended(home, one) == first  # nothing changed, so the checks come from the cache
    assert ended(home, other, Status.FAILED)["earlier"] == {"run": 2, "counts": {"a": 1, "b": 1}}
    third = ended(home, other)
    assert third == {"counts": {"a": 2, "c": 1}, "earlier": {"run": 2, "counts": {"a": 1, "b": 1}}}
    assert ended(home, other) == third
    assert ended(home, one) == {"counts": {"a": 1, "b": 1}, "earlier": {"run": 5, "counts": {"a": 2, "c": 1}}}


def test_a_run_without_a_record_is_passed_over(tmp_path: Path) -> None:
    home = Home(str(tmp_path / "outputs"), "EXP-1-words")
    ended(home, taken(tmp_path / "one", "a"))
    home.storage.claim(str(home.run(2)))
    earlier = labels_of_run(home, taken(tmp_path / "other", "b"))["earlier"]
    assert earlier == {"run": 1, "counts": {"a": 1}}
