"""What this machine is, in words, beside the seconds that something took on it."""

import os
import platform
from collections import Counter
from pathlib import Path

GPUS = Path("/proc/driver/nvidia/gpus")
"""A folder for each GPU, by NVIDIA's driver for Linux."""


def hardware() -> str:
    """Processor, cores, memory and GPUs: `AMD EPYC, 48 cores, 192 GiB, 4 x NVIDIA A10G`."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    gpus = [f"{count} x {name}" for name, count in Counter(_gpus()).items()]
    return ", ".join([_processor(), f"{os.cpu_count()} cores", f"{memory / 2**30:.0f} GiB", *gpus])


def _processor() -> str:
    return next(iter(_said(Path("/proc/cpuinfo"), "model name")), platform.processor() or platform.machine())


def _gpus() -> list[str]:
    return [name for file in sorted(GPUS.glob("*/information")) for name in _said(file, "Model")]


def _said(file: Path, name: str) -> list[str]:
    """The values of `name: value` lines."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name]
