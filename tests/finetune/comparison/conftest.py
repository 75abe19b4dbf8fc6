from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetune.comparison.answers import Answers

LABELS = ["notice", "tag", "text"]


def make_answers(seed: int = 0, ids: int = 60, **sure: float) -> Answers:
    """Answers of models that are right so often; other answers are drawn."""
    draw = np.random.default_rng(seed)
    references = draw.integers(0, len(LABELS), ids)
    probabilities = {}
    for model, share in sure.items():
        answers = np.where(draw.random(ids) < share, references, draw.integers(0, len(LABELS), ids))
        rows = draw.dirichlet(np.ones(len(LABELS)), ids)
        rows[np.arange(ids), answers] += 1
        probabilities[model] = rows / rows.sum(axis=1, keepdims=True)
    return Answers([f"id{row:03d}" for row in range(ids)], LABELS, references, probabilities, 0)


def write_predictions(target: Path, rows: dict[str, tuple[str, list[float]]], labels: list[str] = LABELS) -> Path:
    """Writes what evaluate writes."""
    columns: dict[str, Any] = {
        "guid": list(rows),
        "label": [label for label, _ in rows.values()],
        "predicted": [labels[int(np.argmax(row))] for _, row in rows.values()],
    }
    for index, label in enumerate(labels):
        columns[f"probability_{label}"] = [row[index] for _, row in rows.values()]
    pq.write_table(pa.table(columns), target)
    return target


def rows_of(answers: Answers, model: str) -> dict[str, tuple[str, list[float]]]:
    """The rows of one model's predictions."""
    labels = [answers.labels[index] for index in answers.references]
    found = zip(answers.guids, labels, answers.probabilities[model].tolist(), strict=True)
    return {guid: (label, row) for guid, label, row in found}


@pytest.fixture
def answers() -> Answers:
    return make_answers(good=0.9, fair=0.8, poor=0.2)
