"""Tiny data and modules that train in a moment."""

import gc
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict, Features, List, Value

from finetune.config.train import TrainConfig
from finetune.evaluation.scores import default_metrics
from finetune.training.spec import TrainingSpec
from finetune.training.train import Trained, train
from tests.on_path import on_path

LABELS = ["low", "high"]
WORDS = 20

Prepared = Callable[..., DatasetDict]
TrainTiny = Callable[..., "Result"]


@pytest.fixture(scope="module", autouse=True)
def lean() -> Iterator[None]:
    """One thread is faster for tiny tensors, and Trainer collects garbage: let it not walk through all modules."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    gc.freeze()
    yield
    gc.unfreeze()
    torch.set_num_threads(threads)


@pytest.fixture
def pair_project(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The experiment `pair` is one of the project's, here and in processes that are started."""
    root = Path(__file__).parents[3]
    project = root / "tests" / "operators" / "project"
    monkeypatch.setenv("PYTHONPATH", f"{project}:{root}")
    with on_path(project):
        yield


class Bag(torch.nn.Module):
    """Mean of embeddings and a linear head; knows nothing of transformers."""

    def __init__(self, labels: int = 2) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(WORDS, 8)
        self.head = torch.nn.Linear(8, labels)

    def logits(self, words: torch.Tensor) -> torch.Tensor:
        mask = (words != 0).unsqueeze(-1)
        return self.head((self.embedding(words) * mask).sum(1) / mask.sum(1))

    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        logits = self.logits(words)
        return {"loss": None if labels is None else torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


@dataclass(frozen=True)
class Result:
    """A training and where it wrote."""

    trained: Trained
    model: Path
    checkpoints: Path

    def losses(self, name: str = "loss") -> list[float]:
        return [point[name] for point in self.trained.history if name in point]


def rows(count: int, seed: int, split: str, examples_per_id: int = 1, flip: bool = False) -> Dataset:
    """Examples whose words are mostly small for label 0 and large for label 1."""
    draw = random.Random(seed)
    columns: dict[str, list[Any]] = {"guid": [], "words": [], "labels": []}
    for number in range(count):
        label = number % 3 == 0
        for _ in range(examples_per_id):
            columns["guid"].append(f"{split}{number}")
            columns["words"].append(
                [draw.randint(8 if label else 1, 19 if label else 12) for _ in range(draw.randint(2, 9))]
            )
            columns["labels"].append(int(label != flip))
    features = Features({"guid": Value("string"), "words": List(Value("int32")), "labels": Value("int64")})
    return Dataset.from_dict(columns, features=features)


@pytest.fixture
def prepared() -> Prepared:
    def prepared(count: int = 48, **settings: Any) -> DatasetDict:
        flip = settings.pop("flip_validation", False)
        return DatasetDict(
            train=rows(count, 1, "train", **settings),
            validation=rows(24, 2, "validation", flip=flip, **settings),
            test=rows(30, 3, "test", **settings),
        )

    return prepared


@pytest.fixture
def train_tiny(tmp_path: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> TrainTiny:
    """Trains in a working directory that must stay empty; each call has folders of its own."""
    cwd = tmp_path / "cwd"
    cwd.mkdir()
    monkeypatch.chdir(cwd)
    calls = 0

    def train_tiny(
        data: DatasetDict | None = None,
        get_model: Callable[..., torch.nn.Module] = lambda model, labels: Bag(len(labels)),
        compute_metrics: Callable[..., Any] = default_metrics,
        checkpoints: Path | None = None,
        **settings: Any,
    ) -> Result:
        nonlocal calls
        calls += 1
        target, checkpoints = tmp_path / f"model{calls}", checkpoints or tmp_path / f"checkpoints{calls}"
        values = {"epochs": 3, "batch_size": 8, "learning_rate": 0.05, "log_every": 1, "precision": "fp32", **settings}
        trained = train(
            data or prepared(),
            TrainingSpec(
                labels=LABELS,
                functions="tiny",
                get_model=get_model,
                compute_metrics=compute_metrics,
                model={},
                settings=TrainConfig(**values),
                checkpoints=checkpoints,
                target=target,
            ),
        )
        return Result(trained, target, checkpoints)

    return train_tiny


def constant(value: float) -> Callable[..., dict[str, float]]:
    """Metrics that are always the same."""
    return lambda predictions, references, labels: {"score": value, "rows": float(len(np.asarray(references)))}
