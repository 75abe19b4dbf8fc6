"""Searches the best parameters of the training."""

import shutil
from typing import Annotated, Any

from datasets import DatasetDict
from zenml import step
from zenml.types import HTMLString

from finetune.config.model import ModelConfig
from finetune.config.train import TrainConfig
from finetune.config.tune import TuneConfig
from finetune.experiment import Home
from finetune.tuning.tune import tune as tune_parameters
from steps.checkpoints import checkpoint_folder, ended_by_the_platform, key_of_step
from steps.tuned import hand_on
from steps.work import run_facts, working


@step
def tune(
    dataset: DatasetDict,
    preparation: dict[str, Any],
    home: Home,
    settings: TuneConfig,
    train: TrainConfig,
    model: ModelConfig,
    functions: str,
    code: str,
) -> tuple[
    Annotated[dict[str, Any], "best"],
    Annotated[dict[str, Any], "study"],
    Annotated[HTMLString, "tuning_report"],
]:
    """Carries out the study, each trial in a process of its own; `code` is the hash of model and metrics."""
    with working() as scratch, ended_by_the_platform():
        checkpoints = checkpoint_folder(home, scratch)
        tuned = tune_parameters(
            dataset,
            run=run_facts(),
            labels=preparation["labels"],
            functions=functions,
            model=model.model_dump(),
            train=train,
            settings=settings,
            place=home.study(run_facts()["run_number"]) / key_of_step(),
            checkpoints=checkpoints,
            scratch=scratch,
        )
        shutil.rmtree(checkpoints, ignore_errors=True)
        best, study, page = hand_on(tuned)
        return best, study, page  # ZenML counts the outputs in this line
