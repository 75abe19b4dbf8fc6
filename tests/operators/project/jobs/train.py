"""What a step's container runs in these tests: trains a tiny model with the project's code, and keeps the curve."""

import json
import sys
from pathlib import Path

import torch
from datasets import Dataset, DatasetDict, Features, List, Value

from finetune.config.train import TrainConfig
from finetune.evaluation.scores import default_metrics
from finetune.functions import load_functions
from finetune.training.callbacks import TrainingStopped
from finetune.training.spec import TrainingSpec
from finetune.training.train import train
from operators.failure import failure_told

FEATURES = Features({"guid": Value("string"), "words": List(Value("int32")), "labels": Value("int64")})


def rows(count: int, start: int) -> Dataset:
    """Small words mean label 0, large ones label 1."""
    numbers = range(start, start + count)
    words = [[(number * 7) % 10 + 10 * (number % 2) for _ in range(3)] for number in numbers]
    columns = {"guid": [str(n) for n in numbers], "words": words, "labels": [n % 2 for n in numbers]}
    return Dataset.from_dict(columns, features=FEATURES)


def main(model: dict[str, object], settings: dict[str, object]) -> None:
    """Trains and writes model and curve."""
    torch.set_num_threads(1)
    out = Path("/opt/ml/model")
    with failure_told():
        trained = train(
            DatasetDict(train=rows(64, 0), validation=rows(16, 1000)),
            TrainingSpec(
                labels=["low", "high"],
                functions="pair",
                get_model=load_functions("pair").get_model,
                compute_metrics=default_metrics,
                model=dict(model),
                settings=TrainConfig.model_validate(settings),
                checkpoints=Path("/opt/ml/checkpoints/tiny"),
                target=out / "model",
            ),
        )
    (out / "history.json").write_text(json.dumps(trained.history))


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]), json.loads(sys.argv[2]))
    except TrainingStopped as stopped:
        sys.exit(128 + stopped.number)
