"""One trial of a study, on a machine of its own."""

from typing import Any

from datasets import DatasetDict
from zenml import step

from finetune.config.model import ModelConfig
from finetune.config.train import TrainConfig
from finetune.experiment import Home
from finetune.tuning.space import with_params
from finetune.tuning.trial import Trial, carry_out
from steps.checkpoints import checkpoint_folder, ended_by_the_platform
from steps.work import working


@step(enable_cache=False)
def trial(
    dataset: DatasetDict,
    preparation: dict[str, Any],
    home: Home,
    train: TrainConfig,
    model: ModelConfig,
    functions: str,
    code: str,
    params: dict[str, Any],
    objective: str,
    exchange: str,
) -> None:
    """Trains with a trial's parameters and tells the controller what comes of it; `exchange` is the trial's folder."""
    with working() as scratch, ended_by_the_platform():
        carry_out(
            Trial(
                functions=functions,
                labels=preparation["labels"],
                model=with_params("model", model, params).model_dump(),
                settings=with_params("train", train, params).model_dump(mode="json"),
                objective=objective,
                exchange=exchange,
                checkpoints=str(checkpoint_folder(home, scratch)),
                target=str(scratch / "model"),
            ),
            dataset,
        )
