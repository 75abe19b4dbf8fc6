"""What a model's forward returns: a dict (transformers' ModelOutput is one), or an object with attributes."""

from collections.abc import Mapping
from typing import Any


def loss_and_logits(outputs: Any) -> tuple[Any, Any]:
    """The loss and the logits that forward returned; None for what it lacks."""
    if isinstance(outputs, Mapping):
        return outputs.get("loss"), outputs.get("logits")
    return getattr(outputs, "loss", None), getattr(outputs, "logits", None)
