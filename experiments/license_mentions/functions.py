"""The five functions of EXP-3333: which kind of licence mention is this text?"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from datasets import Features, List, Value
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from experiments.license_mentions.ngrams import BagOfNgrams, ngram_ids
from finetune.training.pretrained import load_pretrained


def process_func(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
    """Keeps the database's label beside the text, so that an id's folder says all that training needs."""
    target = Path(home, "ground_truth_label.json")
    if overwrite or not target.exists():
        target.write_text(json.dumps({"label": row["label"]}), encoding="utf-8")


def get_dataset_features(num_labels: int) -> Features:
    """The inputs of a BERT classifier's forward()."""
    return Features(
        {"input_ids": List(Value("int32")), "attention_mask": List(Value("int8")), "labels": Value("int64")}
    )


def encode_data(
    instance: dict[str, str], label2id: dict[str, int] | None, model: dict[str, Any]
) -> dict[str, Any] | None:
    """Tokenizes the text, or with `model.ngrams` hashes its n-grams; an empty one is dropped.

    Of one that is longer than `model.max_length` tokens the last `model.tail` are kept (default: the closing one), and
    what fits before them of its beginning: how a text ends tells its kind, too (head and tail truncation, Sun et al.
    2019, "How to Fine-Tune BERT for Text Classification?").
    """
    text = json.loads(Path(instance["raw_text.json"]).read_text(encoding="utf-8"))["text"]
    if not text.strip():
        return None
    if "ngrams" in model:
        kept, truncated = ngram_ids(text, model["ngrams"], model["buckets"]), False
    else:
        kept, truncated = _tokens(text, model["checkpoint"], model["max_length"], model.get("tail", 1))
    example = {"input_ids": kept, "attention_mask": [1] * len(kept), "truncated": truncated}
    if label2id is not None:
        label = json.loads(Path(instance["ground_truth_label.json"]).read_text(encoding="utf-8"))["label"]
        example["labels"] = label2id[label]
    return example


def _tokens(text: str, checkpoint: str, length: int, tail: int) -> tuple[list[int], bool]:
    ids = _tokenizer(checkpoint).encode(text, verbose=False)
    truncated = len(ids) > length
    return (ids[: length - tail] + ids[len(ids) - tail :] if truncated else ids), truncated


def get_model(model: dict[str, Any], labels: list[str]) -> torch.nn.Module:
    """The checkpoint's encoder with mean pooling, as it was pretrained, and a linear head.

    The embeddings stay as they were pretrained: some thousand texts show most of the 30,522 tokens too rarely to
    learn from, and half of the weights need no gradient. The first `model.frozen_layers` layers stay so, too.
    In training `model.label_smoothing` of each label's probability is shared among all labels (Szegedy et al. 2016,
    "Rethinking the Inception Architecture for Computer Vision"). With `model.ngrams` the model is a bag of n-grams.
    """
    if "ngrams" in model:
        return BagOfNgrams(model["buckets"], model["width"], len(labels))
    encoder = load_pretrained(
        AutoModel, model["checkpoint"], model.get("sha256"), lora=model.get("lora"), add_pooling_layer=False
    )
    encoder.embeddings.requires_grad_(False)
    encoder.encoder.layer[: model.get("frozen_layers", 0)].requires_grad_(False)
    return MeanPoolingClassifier(encoder, len(labels), model.get("label_smoothing", 0.0))


class MeanPoolingClassifier(torch.nn.Module):
    """Classifies the mean of the last hidden states over a text's tokens."""

    def __init__(self, encoder: PreTrainedModel, num_labels: int, label_smoothing: float) -> None:
        super().__init__()
        self.encoder, self.label_smoothing = encoder, label_smoothing
        self.head = torch.nn.Linear(encoder.config.hidden_size, num_labels)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor | None]:
        """Takes (batch, tokens) ids and mask, gives logits of shape (batch, labels) and the mean cross entropy."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden)
        logits = self.head((hidden * mask).sum(1) / mask.sum(1))
        smoothing = self.label_smoothing if self.training else 0.0
        loss = None if labels is None else torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        return {"loss": loss, "logits": logits}


@cache
def _tokenizer(checkpoint: str) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = load_pretrained(AutoTokenizer, checkpoint)
    return tokenizer
