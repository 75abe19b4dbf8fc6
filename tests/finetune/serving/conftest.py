"""A tiny model folder with its functions, as a run leaves one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from finetune.functions import load_functions
from finetune.serving.package import Package, write_package
from finetune.training.model_folder import ModelFacts, save
from tests.on_path import on_path

PROJECT = Path(__file__).parents[2] / "e2e" / "project"
LABELS = ["apple", "pear", "plum"]
TEXTS = ["a red apple", "pear pear", "one plum and a pear beside it", "nothing of all that"]


@pytest.fixture(scope="module", autouse=True)
def tiny_project() -> Iterator[None]:
    """Makes the experiment `tiny` one of the project's."""
    with on_path(PROJECT):
        yield


@pytest.fixture(scope="module")
def model(tiny_project: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's model folder."""
    folder = tmp_path_factory.mktemp("run") / "model"
    section: dict[str, Any] = {"width": 4}
    torch.manual_seed(1)
    module = load_functions("tiny").get_model(section, LABELS)
    save(folder, module, ModelFacts("tiny", section, LABELS, ["input_ids"], {}))
    return folder


@pytest.fixture(scope="module")
def golden(model: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Requests with the model's own answers."""
    import json

    from finetune.evaluation.predict import Predictor

    folder = tmp_path_factory.mktemp("texts")
    instances = [{"text.json": {"text": text}} for text in TEXTS]
    paths = []
    for index, instance in enumerate(instances):
        path = folder / f"{index}.json"
        path.write_text(json.dumps(instance["text.json"]))
        paths.append({"text.json": str(path)})
    answers = Predictor(model).predict(paths)
    return [{"instance": each, "probabilities": answer} for each, answer in zip(instances, answers, strict=True)]


@pytest.fixture(scope="module")
def package(model: Path, golden: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The package of the model."""
    target = tmp_path_factory.mktemp("package") / "7" / "model.tar.gz"
    return write_package(model, functions="tiny", labels=LABELS, golden=golden, target=target)
