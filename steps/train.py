"""Trains the model."""

from pathlib import Path
from typing import Annotated, Any

from datasets import DatasetDict
from zenml import log_metadata, step

from finetune.artifacts import ModelFolder
from finetune.code_hash import functions_hash
from finetune.config.model import ModelConfig
from finetune.config.train import TrainConfig
from finetune.evaluation.scores import default_metrics
from finetune.experiment import Home
from finetune.failure import Failure
from finetune.functions import load_functions
from finetune.training.spec import TrainingSpec
from finetune.training.train import train as train_model
from finetune.tuning.space import with_params
from materializers.model import ModelFolderMaterializer
from steps.checkpoints import checkpoint_folder, ended_by_the_platform
from steps.outcome import attempted
from steps.tracking import tracking
from steps.work import working


@step(output_materializers={"model": ModelFolderMaterializer})
def train(
    dataset: DatasetDict,
    preparation: dict[str, Any],
    home: Home,
    settings: TrainConfig,
    model: ModelConfig,
    functions: str,
    code: str,
    tuned: dict[str, Any] | None = None,
) -> tuple[Annotated[ModelFolder, "model"], Annotated[list[dict[str, float]], "history"]]:
    """Trains on the train split, keeps the best on validation; `code` is the hash of model and metrics.

    `tuned` holds the parameters that a study found best.
    """
    with working() as scratch, ended_by_the_platform():

        def work() -> tuple[ModelFolder, list[dict[str, float]]]:
            loaded = load_functions(functions)
            with tracking() as tracked:
                trained = train_model(
                    dataset,
                    TrainingSpec(
                        labels=preparation["labels"],
                        functions=functions,
                        code=functions_hash(functions),
                        get_model=loaded.get_model,
                        compute_metrics=loaded.compute_metrics or default_metrics,
                        model=with_params("model", model, tuned or {}).model_dump(),
                        settings=with_params("train", settings, tuned or {}),
                        checkpoints=checkpoint_folder(home, scratch),
                        target=scratch / "model",
                    ),
                    tracking=tracked,
                )
            speed = round(trained.examples_per_second, 2)
            log_metadata({"precision": trained.precision, "examples_per_second": speed})
            return ModelFolder(scratch / "model"), trained.history

        made, history = attempted(work, lambda failure: (_in_place_of_model(failure, scratch / "failure"), []))
        return made, history


def _in_place_of_model(failure: Failure, folder: Path) -> ModelFolder:
    failure.write(folder)
    return ModelFolder(folder)
