from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from finetune.errors import PrepareError, ReconcileError
from finetune.prepare.foresee import foreseen

Row = dict[str, Any]
Foresee = Callable[..., list[Row]]


def rows_of(**counts: int) -> list[Row]:
    return [
        {"guid": f"{label}{n}", "label": label, "part": "one"} for label, count in counts.items() for n in range(count)
    ]


@pytest.fixture
def foresee(tmp_path: Path) -> Foresee:
    def foresee(rows: list[Row], without_files: list[str] | None = None, **changes: Any) -> list[Row]:
        for guid in {row["guid"] for row in rows} - {*(without_files or [])}:
            if "/" not in guid:
                (tmp_path / guid).mkdir()
                (tmp_path / guid / "a.txt").write_text("a")
        settings: dict[str, Any] = {"ignored_labels": [], "num_labels_threshold": 1, "by": None, **changes}
        return list(foreseen(rows, production=tmp_path, files_from_production=["a.txt"], **settings))

    return foresee


def test_rows_that_a_run_takes_pass_as_they_are(foresee: Foresee) -> None:
    rows = [*rows_of(even=3, odd=3), {"guid": "none", "label": None, "part": None}]
    assert foresee(rows, by="part") == rows


def test_an_id_that_names_no_folder_is_refused_as_by_the_run(foresee: Foresee) -> None:
    rows = [*rows_of(even=3, odd=3), {"guid": "../evil", "label": "odd"}]
    with pytest.raises(ReconcileError, match=r"1 id cannot name a folder .*\n  '../evil' must not hold a slash"):
        foresee(rows)


def test_a_label_with_too_few_ids_is_refused_as_by_the_run(foresee: Foresee) -> None:
    repeated = [{"guid": "rare0", "label": "rare", "part": "one"}] * 5
    with pytest.raises(PrepareError, match=r"at least 3 ids, one for each split, but got rare \(1\); correct it"):
        foresee([*rows_of(even=3, odd=3), *repeated])


@pytest.mark.parametrize(
    "changes",
    [
        {"ignored_labels": ["rare"]},
        {"num_labels_threshold": 3},
        {"num_labels_threshold": 2, "without_files": ["rare1"]},
        {"without_files": ["rare0", "rare1"]},
    ],
)
def test_a_small_label_that_the_run_leaves_out_is_no_fault(foresee: Foresee, changes: dict[str, Any]) -> None:
    assert len(foresee(rows_of(even=3, odd=3, rare=2), **changes)) == 8


def test_a_small_label_is_good_where_a_column_gives_the_splits(foresee: Foresee) -> None:
    parts = ["train", "validation", "test"] * 2 + ["train"]
    rows = [{**row, "part": part} for row, part in zip(rows_of(even=3, odd=3, rare=1), parts, strict=True)]
    assert foresee(rows, by="part") == rows


def test_settings_that_leave_one_label_are_refused(foresee: Foresee) -> None:
    with pytest.raises(PrepareError, match="at least 2 labels must remain, but got 1"):
        foresee(rows_of(even=3, odd=2), num_labels_threshold=3)
