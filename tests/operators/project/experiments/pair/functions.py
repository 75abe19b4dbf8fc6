"""Functions of a tiny experiment; the model's config can make one of two training processes fail."""

import os
import signal
import time
from typing import Any

import torch
from datasets import Features, List, Value


def get_dataset_features(num_labels: int) -> Features:
    """A list of word ids, and the class id."""
    return Features({"words": List(Value("int32")), "labels": Value("int64")})


def encode_data(instance: dict[str, str], label2id: dict[str, int] | None, model: dict[str, Any]) -> dict[str, Any]:
    """One example that stands for all; the tests bring a dataset of their own."""
    return {"words": [1], "labels": 0}


def get_model(model: dict[str, Any], labels: list[str]) -> torch.nn.Module:
    """A bag of words."""
    if model.get("pass_for_gpus"):
        _pass_for_gpus()
    return Bag(model)


def _pass_for_gpus() -> None:
    """accelerate divides a model by FSDP among GPUs only; what it then calls works on CPUs, too."""
    from accelerate.state import PartialState
    from accelerate.utils import DistributedType
    from transformers import Trainer

    make = Trainer.create_accelerator_and_postprocess

    def make_for_gpus(trainer: Any) -> None:
        PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU
        make(trainer)

    Trainer.create_accelerator_and_postprocess = make_for_gpus


class Bag(torch.nn.Module):
    """Mean of embeddings and a linear head."""

    def __init__(self, model: dict[str, Any]) -> None:
        super().__init__()
        self.embedding, self.head = torch.nn.Embedding(20, 8), torch.nn.Linear(8, 2)
        self.wanted, self.steps = model, 0

    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, Any]:
        """Takes ids (batch, words); gives logits (batch, 2) and the loss."""
        self.steps += 1
        time.sleep(self.wanted.get("seconds", 0))
        odd = self.steps == self.wanted.get("at", 3) and os.environ.get("RANK", "0") == str(self.wanted.get("rank"))
        if odd and self.wanted["how"] != "nan":
            self._misbehave(self.wanted["how"])
        mask = (words != 0).unsqueeze(-1)  # whom a batch is divided among must not matter, so padding does not count
        logits = self.head((self.embedding(words) * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1))
        loss = None if labels is None else torch.nn.functional.cross_entropy(logits, labels)
        return {"loss": loss * float("nan") if odd and loss is not None else loss, "logits": logits}

    def _misbehave(self, how: str) -> None:
        if how == "raise":
            raise ValueError("the model fell over")
        if how == "hang":
            time.sleep(3600)
        os.kill(os.getpid(), signal.SIGKILL)
