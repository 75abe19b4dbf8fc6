"""The five functions of a tiny experiment: which word does a text hold? No checkpoint; it trains in a moment."""

import json
from pathlib import Path
from typing import Any

import torch
from datasets import Features, List, Value
from experiments.tiny.words import word_ids


def process_func(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
    """Keeps the label beside the text."""
    Path(home, "label.json").write_text(json.dumps({"label": row["label"]}), encoding="utf-8")


def get_dataset_features(num_labels: int) -> Features:
    """A list of word ids, and the class id."""
    return Features({"input_ids": List(Value("int32")), "labels": Value("int64")})


def encode_data(
    instance: dict[str, str], label2id: dict[str, int] | None, model: dict[str, Any]
) -> dict[str, Any] | None:
    """Turns words into ids; an empty text is dropped."""
    ids = word_ids(json.loads(Path(instance["text.json"]).read_text(encoding="utf-8"))["text"])
    if not ids:
        return None
    example: dict[str, Any] = {"input_ids": ids}
    if label2id is not None:
        example["labels"] = label2id[json.loads(Path(instance["label.json"]).read_text(encoding="utf-8"))["label"]]
    return example


def get_model(model: dict[str, Any], labels: list[str]) -> torch.nn.Module:
    """A bag of words."""
    return BagOfWords(model["width"], len(labels))


class BagOfWords(torch.nn.Module):
    """Classifies the mean of a text's word vectors."""

    def __init__(self, width: int, num_labels: int) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(512, width, padding_idx=0)
        self.head = torch.nn.Linear(width, num_labels)

    def forward(self, input_ids: torch.Tensor, labels: torch.Tensor | None = None) -> dict[str, torch.Tensor | None]:
        """Takes ids (batch, words), padded with 0; gives logits (batch, labels) and the mean cross entropy."""
        words = (input_ids != 0).sum(dim=1, keepdim=True)
        logits = self.head(self.embedding(input_ids).sum(dim=1) / words)
        loss = None if labels is None else torch.nn.functional.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}


def compute_metrics(predictions: Any, references: Any, labels: list[str]) -> dict[str, float]:
    """The project's metrics."""
    from finetune.evaluation.scores import default_metrics

    return default_metrics(predictions, references, labels)
