"""What one training is made of, and where it leaves what comes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from finetune.config.train import TrainConfig
from finetune.training.model_folder import GetModel

ComputeMetrics = Callable[[np.ndarray, np.ndarray, list[str]], Mapping[str, float]]


@dataclass(frozen=True)
class TrainingSpec:
    """One training, but for its data."""

    labels: list[str]
    """Label names in order of class id."""
    functions: str
    """Name of the experiment's functions, written beside the weights."""
    get_model: GetModel
    """The experiment's function."""
    compute_metrics: ComputeMetrics
    """Probabilities (n, labels), references (n,) and labels to metrics."""
    model: dict[str, Any]
    """The config's model section."""
    settings: TrainConfig
    """The config's train section."""
    checkpoints: Path
    """Folder of this training's checkpoints; training goes on from the last one that is there."""
    target: Path
    """Folder that the best model is written into."""
    code: str = ""
    """Hash of the functions that make a model's answers, written beside the weights."""
