"""`train:` says how the model is trained."""

from typing import Literal

from pydantic import Field

from finetune.config.section import Section


class TrainConfig(Section):
    """Settings of one training, in the field's usual words."""

    epochs: float = Field(default=3, gt=0)
    """Passes over the train split; a fraction is allowed."""
    batch_size: int = Field(default=16, ge=1)
    """Examples a step, before gradient accumulation."""
    learning_rate: float = Field(default=5e-5, gt=0)
    """Highest learning rate of AdamW."""
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup", "polynomial"] = "linear"
    """How the learning rate falls after warm-up."""
    warmup: float = Field(default=0.0, ge=0, lt=1)
    """Share of all steps in which the learning rate rises from 0."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's decoupled weight decay; biases and norms are left out."""
    gradient_accumulation: int = Field(default=1, ge=1)
    """Batches whose gradients are added up before an optimiser step."""
    gradient_clipping: float = Field(default=1.0, ge=0)
    """Largest norm of the gradient; 0 switches clipping off."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """auto is bf16 where the device computes in it, else fp32."""
    group_by_length: bool = True
    """Batches of examples of about the same length: less padding."""
    early_stopping: int | None = Field(default=None, ge=1)
    """Epochs without a better best_metric on validation after which training ends."""
    best_metric: str = "macro_f1"
    """Metric on validation that picks the checkpoint to keep: `loss`, or one that compute_metrics returns."""
    class_weights: Literal["none", "balanced"] = "none"
    """balanced weighs each label's loss by n / (labels * n_label)."""
    padding: dict[str, float] = Field(default_factory=dict)
    """Pad value per feature; default: the tokenizer's, else 0."""
    log_every: int = Field(default=10, ge=1)
    """Optimiser steps between two points of the loss curve."""
    seed: int = 42
    """Decides new weights, order of examples and dropout."""
