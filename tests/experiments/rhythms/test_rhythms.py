"""Boosted trees as a module: what is fitted is kept as a model folder, and loads again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict, Features, Value

from experiments.rhythms.functions import encode_data, get_dataset_features, get_model
from finetune.config.train import TrainConfig
from finetune.errors import FunctionsError
from finetune.evaluation.predict import predict_split
from finetune.evaluation.scores import default_metrics
from finetune.functions import Functions
from finetune.training.model_folder import load, read_facts
from finetune.training.spec import TrainingSpec
from finetune.training.train import train
from finetune.training.try_model import try_model

LABELS = ["low", "high"]
MODEL: dict[str, Any] = {"features": ["mean", "std"], "trees": 8, "leaves": 4, "least": 2}
FUNCTIONS = Functions(get_dataset_features, encode_data, get_model)


def split(start: int, size: int) -> Dataset:
    """Which of two numbers is larger tells the label; now and then one is missing."""
    drawn = np.random.default_rng(start).normal(size=(size, 2))
    rows = [
        {
            "guid": f"{start}-{number}",
            "features": [one, float("nan") if number % 9 == 0 else other],
            "labels": int(one > 0),
        }
        for number, (one, other) in enumerate(drawn.tolist())
    ]
    return Dataset.from_list(rows, features=Features({"guid": Value("string"), **get_dataset_features(2)}))


@pytest.fixture(scope="module")
def prepared() -> DatasetDict:
    return DatasetDict({"train": split(0, 80), "validation": split(1, 30), "test": split(2, 30)})


def spec(folder: Path, **settings: Any) -> TrainingSpec:
    return TrainingSpec(
        labels=LABELS,
        functions="rhythms",
        get_model=get_model,
        compute_metrics=default_metrics,
        model=MODEL,
        settings=TrainConfig(learning_rate=0.3, precision="fp32", **settings),
        checkpoints=folder / "checkpoints",
        target=folder / "model",
    )


def test_trees_are_fitted_kept_and_loaded_like_any_model(prepared: DatasetDict, tmp_path: Path) -> None:
    trained = train(prepared, spec(tmp_path))
    assert [point["step"] for point in trained.history] == list(range(1, 9))
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]
    assert trained.history[-1]["validation_macro_f1"] > 0.9
    facts = read_facts(tmp_path / "model")
    loaded = load(tmp_path / "model", facts, get_model)
    _, references, probabilities = predict_split(prepared["test"], loaded, facts, 7)
    assert (probabilities.argmax(axis=1) == references).mean() > 0.9
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_the_same_data_give_the_same_trees(prepared: DatasetDict, tmp_path: Path) -> None:
    for name in ("one", "two"):
        train(prepared, spec(tmp_path / name))
    one, two = ((tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_the_trial_fits_a_few_examples_and_asks_for_no_gradient(prepared: DatasetDict) -> None:
    few = prepared["train"].select(range(4))
    how: dict[str, Any] = {"labels": LABELS, "padding": {}, "best_metric": "macro_f1"}
    assert {"trees", "leaves", "least"} <= set(try_model(FUNCTIONS, few, model=MODEL, **how))

    class Silent(torch.nn.Module):
        def fit(self, train: Any, validation: Any, settings: Any) -> None:
            """Gives nothing."""

        def forward(self, features: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, Any]:
            return {"loss": None, "logits": features}

    silent = Functions(get_dataset_features, encode_data, lambda model, labels: Silent())
    with pytest.raises(FunctionsError, match="fit must return a list of points of the loss curve.*got None"):
        try_model(silent, few, model=MODEL, **how)


def test_a_record_becomes_the_numbers_that_the_config_names(tmp_path: Path) -> None:
    def files(**values: float | None) -> dict[str, str]:
        (tmp_path / "features.json").write_text(json.dumps(values))
        (tmp_path / "ground_truth_label.json").write_text('{"label": "high"}')
        return {path.name: str(path) for path in tmp_path.glob("*.json")}

    example = encode_data(files(std=2.0, mean=None, other=1.0), {"low": 0, "high": 1}, MODEL)
    assert example is not None and str(example["features"]) == "[nan, 2.0]" and example["labels"] == 1
    assert encode_data(files(std=None, mean=None), None, MODEL) is None
