"""Which number format a training computes in."""

from typing import Literal

import torch

from finetune.errors import TrainError

Precision = Literal["fp32", "bf16", "fp16"]


def choose_precision(wanted: str) -> Precision:
    """Resolves `train.precision` for this machine: auto is bf16 where the device computes in it, else fp32.

    Raises:
        TrainError: fp16 is wanted without a GPU.
    """
    if wanted == "auto":
        return "bf16" if _computes_bf16() else "fp32"
    if wanted == "fp16" and not torch.cuda.is_available():
        raise TrainError("train.precision: fp16 needs a GPU and this machine has none; write bf16, fp32 or auto")
    return wanted  # type: ignore[return-value]  # the config allows these three names only


def _computes_bf16() -> bool:
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
