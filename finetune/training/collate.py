"""Makes a batch of examples: sequences are padded to the batch's longest, everything becomes tensors."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import AutoTokenizer

from finetune.errors import TrainError
from finetune.prepare.columns import LABELS
from finetune.training.pretrained import checkpoint_folder

IGNORED_LABEL = -100


class Collator:
    """Turns a list of examples into a dict of tensors, with the named features alone."""

    def __init__(self, features: Sequence[str], padding: Mapping[str, float]) -> None:
        """Takes the features of forward() and a pad value for each that needs one (default 0; labels -100)."""
        self._features = tuple(features)
        self._padding = {LABELS: IGNORED_LABEL, **padding}

    def __call__(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Collates examples into tensors of shape (batch,) or (batch, longest, ...).

        Whole numbers become int64 and others float32; booleans stay.

        Raises:
            TrainError: Values of a feature are no numbers, or differ in more than their length.
        """
        return {name: self._column(name, [example[name] for example in examples]) for name in self._features}

    def _column(self, name: str, values: Sequence[Any]) -> torch.Tensor:
        try:
            tensors = _alike([torch.as_tensor(value) for value in values])
            if len({tensor.shape for tensor in tensors}) == 1:
                return torch.stack(tensors)
            pad = self._padding.get(name, 0)
            return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=pad)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TrainError(
                f"feature {name}: its values must be numbers, or lists that differ in length alone, to make a batch "
                f"({error}); let encode_data give such values, or leave the feature out of get_dataset_features"
            ) from error


def _alike(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """The tensors in one type; an empty one, which has no type of its own, follows the others."""
    kinds = {tensor.dtype for tensor in tensors if tensor.numel()}
    if kinds == {torch.bool}:
        return [tensor.bool() for tensor in tensors]
    whole = not any(kind.is_floating_point for kind in kinds)
    return [tensor.long() if whole else tensor.float() for tensor in tensors]


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
