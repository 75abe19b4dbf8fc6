"""The version in production beside a new model: its kept answers, and what is said where it cannot answer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.errors import RegistryError
from finetune.evaluation.approved import TABLE, beside_approved
from finetune.evaluation.evaluate import write_predictions
from finetune.experiment import Home
from finetune.gate.gate import Approved
from finetune.registry.facts import Facts, write_facts
from tests.finetune.registry.test_move import FACTS

LABELS = ["a", "b"]
GUIDS = [f"id{number:02d}" for number in range(40)]
TRUE = np.arange(40) % 2


def answers(folder: Path, wrong: int) -> Path:
    """Predictions of which so many are wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    answered = np.where(np.arange(40) < wrong, 1 - TRUE, TRUE)
    write_predictions(folder / TABLE, GUIDS, TRUE, np.eye(2, dtype=np.float32)[answered], LABELS)
    return folder / TABLE


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Version 5 is right about 30 of 40 ids."""
    home = Home(str(tmp_path), "EXP-1-moved")
    answers(tmp_path / "predictions", wrong=10)
    places = {"predictions": str(tmp_path / "predictions"), "model": str(tmp_path / "no-model")}
    write_facts(home, Facts(run_number=5, **{**FACTS, "artifacts": places}))
    return home


def compared(home: Home, tmp_path: Path, *, wrong: int = 0, **changes: Any) -> Approved:
    settings = {"metric": "accuracy", "dataset_hash": "2" * 64, "labels": LABELS, "files": ["a.txt"], **changes}
    (tmp_path / "scratch").mkdir()
    new = answers(tmp_path / "new", wrong)
    return beside_approved(home, 5, new, compute_metrics=None, scratch=tmp_path / "scratch", **settings)


def test_on_the_same_dataset_the_kept_answers_are_compared_in_pairs(home: Home, tmp_path: Path) -> None:
    found = compared(home, tmp_path, wrong=2)
    assert (found.version, found.value, found.difference) == (5, 0.75, pytest.approx(0.2))
    assert found.interval is not None and 0.05 < found.interval.lower < 0.2 < found.interval.upper < 0.4


def test_files_that_are_gone_and_other_labels_are_named_with_what_to_do(home: Home, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"no-model is gone; put another version there, or none: .* 5 --to none"):
        compared(home, tmp_path, dataset_hash="3" * 64)
    (tmp_path / "scratch").rmdir()
    with pytest.raises(RegistryError, match="has the labels a, b, and this run a, c: they cannot be compared"):
        compared(home, tmp_path, labels=["a", "c"])
    (tmp_path / "scratch").rmdir()
    (tmp_path / "predictions" / TABLE).unlink()
    with pytest.raises(RegistryError, match=rf"version 5 is in production, but .*{TABLE} is gone"):
        compared(home, tmp_path)
