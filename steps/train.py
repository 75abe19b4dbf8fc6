"""Trains the model."""

from typing import Annotated, Any

from datasets import DatasetDict
from zenml import log_metadata, step

from finetune.artifacts import ModelFolder
from finetune.config.model import ModelConfig
from finetune.config.train import TrainConfig
from finetune.evaluation.scores import default_metrics
from finetune.experiment import Home
from finetune.functions import load_functions
from finetune.training.train import train as train_model
from materializers.model import ModelFolderMaterializer
from steps.work import run_facts, working


@step(output_materializers={"model": ModelFolderMaterializer})
def train(
    dataset: DatasetDict,
    preparation: dict[str, Any],
    home: Home,
    settings: TrainConfig,
    model: ModelConfig,
    functions: str,
    code: str,
) -> tuple[Annotated[ModelFolder, "model"], Annotated[list[dict[str, float]], "history"]]:
    """Trains on the train split, keeps the best on validation; `code` is the hash of model and metrics."""
    with working() as scratch:
        loaded = load_functions(functions)
        trained = train_model(
            dataset,
            labels=preparation["labels"],
            functions=functions,
            get_model=loaded.get_model,
            compute_metrics=loaded.compute_metrics or default_metrics,
            model=model.model_dump(),
            settings=settings,
            checkpoints=home.checkpoints(run_facts()["run_number"], scratch),
            target=scratch / "model",
        )
        speed = round(trained.examples_per_second, 2)
        log_metadata({"precision": trained.precision, "examples_per_second": speed})
        return ModelFolder(scratch / "model"), trained.history
