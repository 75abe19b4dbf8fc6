"""The order in which training goes through the examples: it follows from seed and epoch, and from nothing else."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices

from finetune.training.lengths import example_lengths


class EpochOrder(Sampler[int]):
    """A new order for each epoch, in which examples of a batch may be of about the same length.

    Whoever begins in the middle of an epoch finds the order that it began with, and so do all processes.
    """

    def __init__(self, dataset: Any, *, seed: int, batch: int | None) -> None:
        """Takes the examples, and how many of about the same length stand together; None groups none."""
        self._count, self._seed, self._batch = len(dataset), seed, batch
        self._lengths = None if batch is None else example_lengths(dataset)
        self.epoch = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed + self.epoch)
        if self._lengths is None:
            return iter(torch.randperm(self._count, generator=generator).tolist())
        return iter(get_length_grouped_indices(self._lengths, self._batch, generator=generator))


class ShortestFirst(Sampler[int]):
    """Examples in order of length: the least padding."""

    def __init__(self, dataset: Any) -> None:
        lengths = example_lengths(dataset)
        self._order = sorted(range(len(lengths)), key=lengths.__getitem__)

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[int]:
        return iter(self._order)
