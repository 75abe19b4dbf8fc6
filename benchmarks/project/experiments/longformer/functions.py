"""The functions of license_category with a model of Longformer's shape, built from its config, for long texts."""

from typing import Any

import torch
from transformers import LongformerConfig, LongformerForSequenceClassification

from experiments.license_mentions.functions import encode_data, get_dataset_features, process_func

__all__ = ["encode_data", "get_dataset_features", "get_model", "process_func"]


def get_model(model: dict[str, Any], labels: list[str]) -> torch.nn.Module:
    """As large as Longformer base, with the vocabulary of the checkpoint's tokenizer."""
    shape = model.get("shape", {})
    room = model["max_length"] + 2  # positions begin after the padding token's
    settings = {"max_position_embeddings": room, "num_labels": len(labels), "pad_token_id": 0, **shape}
    return LongformerForSequenceClassification(LongformerConfig(**settings))
