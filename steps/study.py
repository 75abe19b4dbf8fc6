"""Sums up a study whose trials were steps of their own."""

from typing import Annotated, Any

from zenml import step
from zenml.types import HTMLString

from finetune.config.model import ModelConfig
from finetune.config.train import TrainConfig
from finetune.config.tune import TuneConfig
from finetune.storage.uri import to_place
from finetune.tuning.tune import summed_up
from steps.tuned import hand_on
from steps.work import run_facts, working


@step(enable_cache=False)
def study(
    place: str, settings: TuneConfig, train: TrainConfig, model: ModelConfig
) -> tuple[
    Annotated[dict[str, Any], "best"],
    Annotated[dict[str, Any], "study"],
    Annotated[HTMLString, "tuning_report"],
]:
    """Reads the study's journal at `place`, of which the controller has said that it is done."""
    with working():
        tuned = summed_up(run_facts(), model.model_dump(), train, settings, to_place(place))
        best, study, page = hand_on(tuned)
        return best, study, page  # ZenML counts the outputs in this line
