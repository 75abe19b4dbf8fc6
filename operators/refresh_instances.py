"""Writes finetune/compute/instances.csv from the data of moto, botocore and the SageMaker SDK.

Run as `python -m operators.refresh_instances`, after those packages were updated.
"""

import csv
import gzip
import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import botocore.session

from finetune.compute.instances import COLUMNS, TABLE

ARM = frozenset({"ml.p6e-gb200.36xlarge"})
"""Types with Arm processors, for which the image is not built."""

RETIRED: dict[str, tuple[int, int, str]] = {
    "p2.xlarge": (4, 61, "K80"),
    "p2.8xlarge": (32, 488, "K80"),
    "p2.16xlarge": (64, 732, "K80"),
    "p3.2xlarge": (8, 61, "V100"),
    "p3.8xlarge": (32, 244, "V100"),
    "p3.16xlarge": (64, 488, "V100"),
}
"""vCPUs, memory in GiB and GPU of types that EC2's list has dropped: https://aws.amazon.com/ec2/previous-generation/."""


def main() -> None:
    """Writes the table, a row for each type that a training job may ask for."""
    service = botocore.session.get_session().get_service_model("sagemaker")
    names = sorted(set(service.shape_for("TrainingInstanceType").enum) - ARM)
    machines = json.loads(gzip.decompress((files("moto") / "ec2/resources/instance_types.json.gz").read_bytes()))
    gpus = json.loads((files("sagemaker") / "image_uri_config/instance_gpu_info.json").read_text())["us-east-1"]
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        file.write(f"# {datetime.now(UTC):%Y-%m-%d}, written by python -m operators.refresh_instances\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name in names:
            writer.writerow(_row(name, machines.get(name.removeprefix("ml.")), gpus.get(name)))


def _row(name: str, machine: dict[str, Any] | None, gpus: dict[str, int] | None) -> list[str | int]:
    if machine is None:
        cpus, memory, gpu = RETIRED[name.removeprefix("ml.")]
        count, gib = _of_sdk(gpus)
        return [name, gpu, cpus, memory, count, gib, 0, 0]
    memory = machine["MemoryInfo"]["SizeInMiB"] // 1024
    found = machine.get("GpuInfo", {}).get("Gpus", [])
    count = sum(int(gpu["Count"]) for gpu in found)
    total = machine.get("GpuInfo", {}).get("TotalGpuMemoryInMiB", 0)
    disk = machine.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0)
    neuron = sum(int(each["Count"]) for each in machine.get("NeuronInfo", {}).get("NeuronDevices", []))
    gpu = found[0]["Name"] if found else ""
    return [name, gpu, machine["VCpuInfo"]["DefaultVCpus"], memory, count, round(total / 1024), disk, neuron]


def _of_sdk(gpus: dict[str, int] | None) -> tuple[int, int]:
    return (0, 0) if gpus is None else (gpus["Count"], round(gpus["TotalGpuMemoryInMiB"] / 1024))


if __name__ == "__main__":
    main()
