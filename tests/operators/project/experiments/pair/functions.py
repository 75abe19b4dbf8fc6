"""Functions of a tiny experiment; the model's config can make one of two training processes fail."""

import os
import signal
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
    return Bag(model)


class Bag(torch.nn.Module):
    """Mean of embeddings and a linear head."""

    def __init__(self, model: dict[str, Any]) -> None:
        super().__init__()
        self.embedding, self.head = torch.nn.Embedding(20, 8), torch.nn.Linear(8, 2)
        self.wanted, self.steps = model, 0

    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, Any]:
        """Takes ids (batch, words); gives logits (batch, 2) and the loss."""
        self.steps += 1
        if self.steps == 3 and os.environ.get("RANK", "0") == str(self.wanted.get("rank")):
            self._misbehave(self.wanted["how"])
        logits = self.head(self.embedding(words).mean(dim=1))
        return {"loss": None if labels is None else torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    def _misbehave(self, how: str) -> None:
        if how == "raise":
            raise ValueError("the model fell over")
        os.kill(os.getpid(), signal.SIGKILL)
