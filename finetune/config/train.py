"""`train:` says how the model is trained."""

from typing import Any, Literal

from pydantic import Field, field_validator

from finetune.config.register import BoundsConfig
from finetune.config.section import Section

ACCELERATE = (
    "compute_environment",
    "distributed_type",
    "fsdp_config",
    "deepspeed_config",
    "parallelism_config",
    "enable_cpu_affinity",
    "debug",
)
OURS = {
    "num_processes": "train.processes",
    "num_machines": "compute.train.instance_count",
    "gpu_ids": "compute.train.gpus",
    "mixed_precision": "train.precision",
    "dynamo_config": "train.compile",
}
"""What accelerate's file says of these, another key says."""
DISTRIBUTED = ("NO", "MULTI_CPU", "MULTI_GPU", "FSDP", "DEEPSPEED")


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
    """Metric on validation that picks the checkpoint to keep: `loss`, or one that compute_metrics returns.

    Lower is better for names with loss, error, perplexity, brier, entropy, deviance or distance in them, and for nll,
    mae, mse, rmse, mape, ece, mce, wer, cer, ter, eer, fpr and fnr, alone or between underscores; higher for others.
    """
    class_weights: Literal["none", "balanced"] = "none"
    """balanced weighs each label's loss by n / (labels * n_label)."""
    padding: dict[str, float] = Field(default_factory=dict)
    """Pad value per feature; default: the tokenizer's, else 0."""
    save_every: int = Field(default=500, ge=1)
    """Optimiser steps between two checkpoints; the end of an epoch always has one."""
    save_limit: int = Field(default=2, ge=1)
    """Newest checkpoints that stay on disk during training, beside the best one."""
    processes: int | None = Field(default=None, ge=1)
    """Training processes of each machine; default: one for each GPU, or one."""
    hang_minutes: float = Field(default=30, gt=0)
    """Of several processes: how long a batch may take before they are ended, with their stacks in the log."""
    activation_checkpointing: bool = False
    """Computes activations again in the backward pass instead of keeping them: less memory, about a third more time."""
    compile: bool = False
    """torch.compile: the first batches take minutes, later ones less time; a compiler for C++ must be there."""
    accelerate: dict[str, Any] = Field(default_factory=dict)
    """Settings in the form of `accelerate config`, such as distributed_type: FSDP with its fsdp_config."""
    gate: dict[str, BoundsConfig] = Field(default_factory=dict)
    """What the first validation must reach, `{loss: {max: 1.5}}`; training that misses it ends at once, as failed."""
    log_every: int = Field(default=10, ge=1)
    """Optimiser steps between two points of the loss curve."""
    seed: int = 42
    """Decides new weights, order of examples and dropout."""

    @field_validator("accelerate")
    @classmethod
    def _is_of_accelerate(cls, given: dict[str, Any]) -> dict[str, Any]:
        for key in given:
            if key in OURS:
                raise ValueError(f"{key} is {OURS[key]} here; write that")
            if key not in ACCELERATE:
                raise ValueError(f"{key} is not one of {', '.join(ACCELERATE)}")
            if key.endswith("_config") and not isinstance(given[key], dict):
                raise ValueError(f"{key} must be a mapping, but got {given[key]!r}")
        if given.get("distributed_type", "NO") not in DISTRIBUTED:
            raise ValueError(f"distributed_type must be one of {', '.join(DISTRIBUTED)}")
        return given
