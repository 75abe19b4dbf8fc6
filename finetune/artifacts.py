"""What steps hand to each other when it is too large for memory: handles on local files and folders."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelFolder:
    """A trained model: safetensors, tokenizer, config and label names."""

    path: Path


@dataclass(frozen=True)
class Predictions:
    """A Parquet file with a row per test id: guid, label, predicted, and a probability per label."""

    path: Path


@dataclass(frozen=True)
class Features:
    """A Parquet file with a row per example of each id, in order of guid."""

    path: Path
