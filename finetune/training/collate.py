"""Makes a batch of examples: sequences are padded to the batch's longest, everything becomes tensors."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import AutoTokenizer

from finetune.training.pretrained import checkpoint_folder

LABELS = "labels"
IGNORED_LABEL = -100


class Collator:
    """Turns a list of examples into a dict of tensors, with the named features alone."""

    def __init__(self, features: Sequence[str], padding: Mapping[str, float]) -> None:
        """Takes the features of forward() and a pad value for each that needs one (default 0; labels -100)."""
        self._features = tuple(features)
        self._padding = {LABELS: IGNORED_LABEL, **padding}

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Collates examples into tensors of shape (batch,) or (batch, longest, ...)."""
        return {name: self._column(name, [example[name] for example in examples]) for name in self._features}

    def _column(self, name: str, values: Sequence[Any]) -> torch.Tensor:
        tensors = [torch.as_tensor(value) for value in values]
        tensors = [tensor.long() if _is_whole(tensor) else tensor.float() for tensor in tensors]
        if len({tensor.shape for tensor in tensors}) == 1:
            return torch.stack(tensors)
        return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=self._padding.get(name, 0))


def _is_whole(tensor: torch.Tensor) -> bool:
    return not tensor.is_floating_point()


def default_padding(checkpoint: str | None) -> dict[str, float]:
    """Pad values of the checkpoint's tokenizer; nothing where it has none."""
    tokenizer = load_tokenizer(checkpoint)
    if tokenizer is None or tokenizer.pad_token_id is None:
        return {}
    return {"input_ids": tokenizer.pad_token_id, "token_type_ids": tokenizer.pad_token_type_id}


def load_tokenizer(checkpoint: str | None) -> Any:
    """The checkpoint's tokenizer, or None if there is no checkpoint or it has none."""
    if checkpoint is None:
        return None
    try:
        return AutoTokenizer.from_pretrained(checkpoint_folder(checkpoint))
    except (OSError, ValueError):
        return None
