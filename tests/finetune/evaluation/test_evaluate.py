import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from datasets import Dataset, DatasetDict, Features, List, Value
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from finetune.errors import EvaluateError
from finetune.evaluation.evaluate import Evaluation, evaluate
from finetune.functions import Functions
from finetune.training.model_folder import ModelFacts, save

LABELS = ["apple", "bean", "corn"]
SIZES = {"train": 60, "validation": 15, "test": 30}
FEATURES = Features({"guid": Value("string"), "words": List(Value("int32")), "labels": Value("int64")})


class Modulo(torch.nn.Module):
    """Answers word modulo 3 for most words."""

    def __init__(self) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(torch.eye(3).repeat(20, 1) * 3)

    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, Any]:
        logits = self.table[words].mean(1)
        return {"loss": None if labels is None else torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def split(name: str, size: int, examples_per_id: int) -> Dataset:
    guids = [f"{name}{number}" for number in range(size) for _ in range(examples_per_id)]
    words = [[number % 60, number % 60] for number in range(size * examples_per_id)]
    # Every seventh id is labelled wrongly, and label 2 is rarer than the others.
    labels = [number % 3 if number % 7 else 0 for number in range(size) for _ in range(examples_per_id)]
    return Dataset.from_dict({"guid": guids, "words": words, "labels": labels}, features=FEATURES)


@pytest.fixture
def result_of(tmp_path: Path) -> Any:
    def result_of(baseline_text: str | None = "text.json", examples_per_id: int = 1, **settings: Any) -> Evaluation:
        prepared = DatasetDict({name: split(name, size, examples_per_id) for name, size in SIZES.items()})
        for part in prepared.values():
            for guid, label in zip(part["guid"][:], part["labels"][:], strict=True):
                (tmp_path / "home" / guid).mkdir(parents=True, exist_ok=True)
                (tmp_path / "home" / guid / "text.json").write_text(json.dumps({"text": f"some {LABELS[label]} pie"}))
        save(tmp_path / "model", Modulo(), ModelFacts("none", {}, LABELS, ["words"], {}))
        functions = Functions(
            get_dataset_features=lambda num_labels: FEATURES,
            encode_data=lambda instance, label2id, model: None,
            get_model=lambda model, labels: Modulo(),
            compute_metrics=settings.pop("compute_metrics", None),
        )
        return evaluate(
            tmp_path / "model",
            prepared,
            reconciled=tmp_path / "home",
            functions=functions,
            baseline_text=baseline_text,
            **{"batch_size": 8, "mistakes": 3, "target": tmp_path / "predictions.parquet", **settings},
        )

    return result_of


def test_metrics_are_those_of_scikit_learn_on_the_predictions_that_are_written(result_of: Any) -> None:
    found = result_of()
    rows = pq.read_table(found.predictions).to_pandas()
    true, predicted = rows["label"], rows["predicted"]
    assert 0 < found.metrics["accuracy"] < 1
    assert found.metrics["accuracy"] == pytest.approx(accuracy_score(true, predicted))
    assert found.metrics["macro_f1"] == pytest.approx(f1_score(true, predicted, average="macro"))
    assert found.metrics["weighted_f1"] == pytest.approx(f1_score(true, predicted, average="weighted"))
    precision = precision_score(true, predicted, average=None, labels=LABELS)
    recall = recall_score(true, predicted, average=None, labels=LABELS)
    assert [score.precision for score in found.per_label] == pytest.approx(list(precision))
    assert [score.recall for score in found.per_label] == pytest.approx(list(recall))
    assert found.confusion.sum() == SIZES["test"] and np.trace(found.confusion) == (true == predicted).sum()


def test_predictions_hold_a_row_per_id_with_probabilities_that_sum_to_1(result_of: Any) -> None:
    rows = pq.read_table(result_of().predictions).to_pandas()
    assert rows["guid"].tolist() == [f"test{number}" for number in range(SIZES["test"])]
    probabilities = rows[[f"probability_{label}" for label in LABELS]].to_numpy()
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert rows["predicted"].tolist() == [LABELS[index] for index in probabilities.argmax(axis=1)]


def test_several_examples_of_an_id_give_one_row_with_their_mean(result_of: Any) -> None:
    found = result_of(examples_per_id=3)  # the three examples answer one label each: their mean is level
    rows = pq.read_table(found.predictions).to_pandas()
    assert len(rows) == found.confusion.sum() == SIZES["test"]
    np.testing.assert_allclose(rows[[f"probability_{label}" for label in LABELS]], 1 / 3, atol=1e-6)
    assert found.baselines["majority"] == result_of().baselines["majority"]


def test_the_batch_size_changes_nothing(result_of: Any) -> None:
    assert result_of(batch_size=1).to_dict() == result_of(batch_size=64).to_dict()


def test_both_baselines_are_scored_as_the_model_is(result_of: Any) -> None:
    found = result_of()
    assert list(found.baselines) == ["majority", "tfidf"]
    assert all(metrics.keys() == found.metrics.keys() for metrics in found.baselines.values())
    assert found.luck.intervals.keys() == found.metrics.keys()
    assert list(found.luck.margins) == ["majority", "tfidf"]
    assert found.majority_label == "apple"
    assert found.baselines["tfidf"]["accuracy"] == 1.0
    assert found.baselines["majority"]["accuracy"] == pytest.approx(
        np.mean(np.array(split("t", 30, 1)["labels"][:]) == 0)
    )


def test_the_text_baseline_can_be_left_out_and_a_missing_text_is_named(result_of: Any) -> None:
    assert list(result_of(baseline_text=None).baselines) == ["majority"]
    with pytest.raises(EvaluateError, match="home/train0/other.txt"):
        result_of(baseline_text="other.txt")


def test_mistakes_are_the_most_confident_and_as_many_as_asked_for(result_of: Any) -> None:
    found = result_of()
    assert len(found.mistakes) == 3
    assert all(mistake.true != mistake.predicted for mistake in found.mistakes)
    assert [mistake.excerpt for mistake in found.mistakes] == [f"some {mistake.true} pie" for mistake in found.mistakes]
    without = result_of(baseline_text=None, mistakes=3)
    assert [mistake.excerpt for mistake in without.mistakes] == [None] * 3


def test_an_experiments_own_metrics_become_floats(result_of: Any) -> None:
    def compute_metrics(predictions: Any, references: Any, labels: list[str]) -> dict[str, Any]:
        assert predictions.shape == (SIZES["test"], 3) and labels == LABELS
        return {"right": np.float32((predictions.argmax(1) == references).mean()), "rows": len(references)}

    found = result_of(compute_metrics=compute_metrics)
    assert list(found.metrics) == ["right", "rows"]
    assert all(type(value) is float for value in found.metrics.values())
    assert found.baselines["tfidf"]["right"] == 1.0
    assert found.luck.intervals["rows"] == (30, 30) and found.luck.margins["tfidf"]["rows"] == (0, 0)


def test_everything_is_plain_json(result_of: Any) -> None:
    found = result_of().to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)).keys() == found.keys()
    assert list(found) == [
        "labels", "metrics", "baselines", "intervals", "margins", "per_label", "confusion", "calibration", "mistakes"
    ]  # fmt: skip
