"""Joins the training processes of a job: the step asks for the others, and all meet in one process group."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import datasets
import torch
from accelerate.state import AcceleratorState  # type: ignore[import-untyped]
from torch import distributed

from finetune.errors import FinetuneError, TrainError
from finetune.training.hosts import WORK, hosts_of
from finetune.training.ranks import FAILED
from finetune.training.share import send

TIMEOUT = timedelta(minutes=30)
"""For one exchange: a process may validate or save while the others wait."""
BLAME_S = 5.0


@contextmanager
def with_others(work: dict[str, Any], prepared: datasets.DatasetDict) -> Iterator[None]:
    """Around a training: all processes of the job train along, one for each GPU, or one a host without.

    Without a launcher, or with a single process, nothing happens.

    Args:
        work: What the others need: functions, labels, model and settings.
        prepared: The splits, which they receive.

    Raises:
        TrainError: Another process failed.
    """
    hosts, processes = hosts_of(), max(1, torch.cuda.device_count())
    if hosts is None or len(hosts.names) * processes == 1:
        yield
        return
    wanted = Path(os.environ[WORK])
    part = wanted.with_suffix(".part")
    part.write_text(json.dumps({**work, "processes": processes}), encoding="utf-8")
    part.replace(wanted)
    try:
        blaming = _blaming(wanted.with_name(f"{wanted.stem}{FAILED}"))
        # Blame inside the group: once this process leaves it, the others fail for that alone.
        with _variables(hosts.environment(0, processes)), process_group(), blaming:
            send(prepared)
            yield
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


@contextmanager
def process_group() -> Iterator[None]:
    """The group that RANK, WORLD_SIZE and MASTER_ADDR describe: gloo between CPUs, nccl between GPUs."""
    gpus = torch.cuda.is_available()
    if gpus:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo", timeout=TIMEOUT)
    try:
        yield
    finally:
        distributed.destroy_process_group()


@contextmanager
def _variables(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _blaming(file: Path) -> Iterator[None]:
    """Puts the failure of another process in the place of the broken connection that it causes here."""
    try:
        yield
    except FinetuneError:
        raise
    except Exception as error:
        ends = time.monotonic() + BLAME_S
        while time.monotonic() < ends and not file.is_file():
            time.sleep(0.1)
        if not file.is_file():
            raise
        raise TrainError(f"train: another process failed: {file.read_text(encoding='utf-8')}") from error
