"""The GPUs of this machine."""

import torch


def gpus() -> int:
    """How many of them PyTorch can use."""
    return torch.cuda.device_count()
