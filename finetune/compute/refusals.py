"""What AWS, or this project, would refuse of a step's machines, said before anything is submitted. Pure."""

import difflib
from typing import TYPE_CHECKING

from finetune.compute.instances import TABLE, instances

if TYPE_CHECKING:
    from finetune.config.compute import MachinesConfig

RESERVED = ("AWS_", "ZENML_", "SAGEMAKER_", "TRAINING_JOB_", "FINETUNE_")
"""Beginnings of variables that the platform, ZenML or this project set."""
WITHOUT_BF16 = frozenset({"K80", "V100", "T4"})
"""GPUs older than NVIDIA's compute capability 8.0, with which bf16 began (CUDA C++ Programming Guide)."""
LONGEST_ENVIRONMENT = 20_000
"""Characters; a job's whole environment has 100 variables of 512 characters, and ZenML's own need room."""


def refused_instance(name: str) -> str | None:
    """The rule that an instance type breaks, with the nearest names; None if it can be used."""
    known = instances()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        advice = f"did you mean {', '.join(near)}?" if near else f"finetune/compute/{TABLE.name} lists them"
        return f"must be an instance type of SageMaker training jobs, but got {name!r}; {advice}"
    if known[name].neuron:
        return f"{name} has AWS Neuron accelerators, which PyTorch cannot use by itself; choose a type with GPUs"
    return None


def refused_machines(machines: "MachinesConfig") -> list[str]:
    """The rules that the keys of one entry break together; empty if there are none."""
    return [*_hardware(machines), *_spot(machines), *_inputs(machines), *_names(machines)]


def refused_training(machines: "MachinesConfig | None", batch_size: int, precision: str) -> list[str]:
    """The rules that compute.train and train break together."""
    if machines is None:
        return []
    wrong = []
    count = processes(machines)
    if batch_size % count:
        wrong.append(
            f"train.batch_size ({batch_size}) is divided among the processes of compute.train, one a GPU or instance, "
            f"so it must be a multiple of {count}; write {-(-batch_size // count) * count}, or fewer instances or gpus"
        )
    if precision == "fp16" and instances()[machines.instance_type].gpus == 0:
        wrong.append(
            f"train.precision: fp16 needs a GPU, and compute.train.instance_type {machines.instance_type} has none; "
            "write bf16, fp32 or auto"
        )
    gpu = instances()[machines.instance_type].gpu
    if precision == "bf16" and gpu in WITHOUT_BF16:
        wrong.append(
            f"train.precision: bf16 needs a GPU that computes in it, and compute.train.instance_type "
            f"{machines.instance_type} has {gpu}; write fp16, fp32 or auto, or choose a type such as ml.g5.xlarge"
        )
    return wrong


def processes(machines: "MachinesConfig") -> int:
    """Training processes on all instances together: one for each GPU, or one an instance without."""
    has = instances()[machines.instance_type].gpus
    return machines.instance_count * max(1, machines.gpus or has)


def _hardware(machines: "MachinesConfig") -> list[str]:
    name, has = machines.instance_type, instances()[machines.instance_type]
    wrong = []
    if machines.gpus is not None and machines.gpus > has.gpus:
        fitting = [each for each in instances().values() if each.gpus >= machines.gpus]
        # Types of the G families are the cheapest; the oldest P families have GPUs that PyTorch no longer knows.
        fitting.sort(key=lambda each: (not each.name.startswith("ml.g"), each.gpus, each.cpus))
        advice = f"; {fitting[0].name} has" if fitting else ""
        wrong.append(f"gpus: {name} has {has.gpus or 'no'} GPU{'s'[: has.gpus != 1]}, not {machines.gpus}{advice}")
    if has.disk_gb and machines.volume_gb > has.disk_gb:
        wrong.append(
            f"volume_gb: {name} has disks of its own with {has.disk_gb} GB and takes no volume, so it must be at most "
            f"that, but got {machines.volume_gb}"
        )
    return wrong


def _spot(machines: "MachinesConfig") -> list[str]:
    wait, run = machines.max_wait_hours, machines.max_run_hours
    wrong = []
    if not machines.spot and wait is not None:
        wrong.append("max_wait_hours is for spot only; set spot: true or leave it out")
    if machines.spot and wait is None:
        wrong.append(f"spot needs max_wait_hours, at least max_run_hours ({run:g})")
    if machines.spot and wait is not None and wait < run:
        wrong.append(f"max_wait_hours must be at least max_run_hours ({run:g}), but got {wait:g}")
    if machines.spot and machines.warm_pool_minutes:
        wrong.append("spot instances cannot be kept in a warm pool; leave out spot or warm_pool_minutes")
    return wrong


def _inputs(machines: "MachinesConfig") -> list[str]:
    wrong = []
    if not machines.inputs and machines.input_mode != "File":
        wrong.append("input_mode: FastFile is for inputs, and there are none; add inputs or leave it out")
    if machines.distribution == "ShardedByS3Key":
        if not machines.inputs:
            wrong.append("distribution: ShardedByS3Key is for inputs, and there are none; add inputs or leave it out")
        if machines.instance_count == 1:
            wrong.append("distribution: ShardedByS3Key needs instance_count above 1: a single instance gets all files")
    return wrong


def _names(machines: "MachinesConfig") -> list[str]:
    wrong = [
        f"environment.{name}: variables that begin with {', '.join(RESERVED)} are set for the step; choose another name"
        for name in machines.environment
        if name.startswith(RESERVED)
    ]
    size = sum(len(name) + len(value) for name, value in machines.environment.items())
    if size > LONGEST_ENVIRONMENT:
        wrong.append(f"environment must have at most {LONGEST_ENVIRONMENT:,} characters, but has {size:,}; use inputs")
    wrong += [
        f"tags.{key}: keys that begin with aws: belong to AWS"
        for key in machines.tags
        if key.lower().startswith("aws:")
    ]
    return wrong
