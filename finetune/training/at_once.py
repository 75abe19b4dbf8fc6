"""Models that are fitted at once, such as boosted trees: get_model's module has a method `fit`, and needs no gradient.

All else is as for any module: forward gives loss and logits, and what was fitted is a parameter or buffer.
"""

from collections.abc import Mapping
from typing import Any

import datasets
import numpy as np
import torch

from finetune.calls import call
from finetune.config.train import TrainConfig
from finetune.errors import FunctionsError
from finetune.prepare.columns import GUID, LABELS
from finetune.training.collate import Collator, default_padding
from finetune.training.outputs import loss_and_logits
from finetune.training.spec import TrainingSpec

FIT = "the model's fit"


def fits_at_once(model: torch.nn.Module) -> bool:
    """Whether the module has a method fit(train, validation, settings)."""
    return callable(getattr(model, "fit", None))


def fit_at_once(
    model: torch.nn.Module, prepared: datasets.DatasetDict, spec: TrainingSpec
) -> tuple[list[dict[str, float]], np.ndarray, np.ndarray]:
    """Fits the model to the train split.

    Returns:
        Points of the loss curve, of which the last one alone has a validation: that of the model that is kept; logits
        (examples, labels) and class ids of the validation split.

    Raises:
        FunctionsError: fit raised, or gives no points.
    """
    collate = Collator(
        [name for name in prepared["train"].column_names if name != GUID],
        {**default_padding(spec.model.get("checkpoint")), **spec.settings.padding},
    )
    train, validation = (collate(prepared[split].to_list()) for split in ("train", "validation"))
    points = _fit(model, train, validation, spec.settings)
    with torch.inference_mode():
        loss, logits = loss_and_logits(model.eval()(**validation))
    last = {"step": 1, **(points[-1] if points else {}), "epoch": 1.0, "validation_loss": float(loss)}
    return [*points[:-1], last], logits.float().numpy(), validation[LABELS].numpy()


def try_fit(model: torch.nn.Module, batch: Mapping[str, torch.Tensor]) -> None:
    """Fits the model to a few examples, which are train and validation at the same time.

    Raises:
        FunctionsError: fit raised, or gives no points.
    """
    _fit(model, batch, batch, TrainConfig())


def _fit(model: Any, train: Any, validation: Any, settings: TrainConfig) -> list[dict[str, float]]:
    points = call(FIT, model.fit, train, validation, settings.model_dump())
    if not isinstance(points, list) or not all(
        isinstance(each, dict) and {"step", "loss"} == set(each) for each in points
    ):
        raise FunctionsError(
            f"{FIT} must return a list of points of the loss curve, each a dict of step and loss, which may be empty, "
            f"but got {points!r:.200}"
        )
    return [dict(point) for point in points]
