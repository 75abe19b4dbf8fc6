"""The instance types that a SageMaker training job may use, from the dated table instances.csv beside this file."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("instances.csv")
COLUMNS = ("name", "gpu", "cpus", "memory_gib", "gpus", "gpu_memory_gib", "disk_gb", "neuron")


@dataclass(frozen=True)
class Instance:
    """One instance type."""

    name: str
    gpu: str
    """Name of its GPUs, such as A10G; empty where it has none."""
    cpus: int
    memory_gib: int
    gpus: int
    gpu_memory_gib: int
    """Of all its GPUs together."""
    disk_gb: int
    """Its own NVMe disks, which take the place of a volume; 0 where a volume is attached."""
    neuron: int
    """AWS's own accelerators, which PyTorch alone cannot use."""


@cache
def instances() -> dict[str, Instance]:
    """All of them by name; those that SageMaker got after the table's date are missing."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(line for line in file if not line.startswith("#"))
        next(rows)
        return {name: Instance(name, gpu, *map(int, numbers)) for name, gpu, *numbers in rows}
