"""The functions of license_mentions; each call is noted in a file, so that a kill can be aimed into a step's work."""

import os
from typing import Any

import torch

from experiments.license_mentions import functions as mentions

AT_HOME = "reconciled_artifacts"
get_dataset_features = mentions.get_dataset_features


def note(step: str) -> None:
    """Appends a line to the file that the benchmark names."""
    with open(os.environ["NOTES"], "ab", buffering=0) as file:
        file.write(f"{step}\n".encode())


def process_func(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
    """As license_mentions has it."""
    note("reconcile" if AT_HOME in home else "try")
    mentions.process_func(row, files, home, overwrite)


def encode_data(
    instance: dict[str, str], label2id: dict[str, int] | None, model: dict[str, Any]
) -> dict[str, Any] | None:
    """As license_mentions has it."""
    note("prepare" if AT_HOME in instance["raw_text.json"] else "try")
    return mentions.encode_data(instance, label2id, model)


def get_model(model: dict[str, Any], labels: list[str]) -> torch.nn.Module:
    """As license_mentions has it, with a note for each batch."""
    made = mentions.get_model(model, labels)
    made.register_forward_pre_hook(lambda module, inputs: note(_step(module)))
    return made


def _step(module: torch.nn.Module) -> str:
    return "train" if module.training else "evaluate" if torch.is_inference_mode_enabled() else "validate"
