"""Trials as processes of this machine, which share its cores and GPUs."""

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from multiprocessing.forkserver import ensure_running
from pathlib import Path

import datasets

from finetune.tuning import trial_process
from finetune.tuning.journal import Record
from finetune.tuning.trial import Trial
from finetune.tuning.trial_process import DATASET, LOG, TASK
from finetune.variables import variables

LOG_END = 2_000
USED_LATER = ("evaluate",)
"""Packages that a training imports on its way."""
SPLITS = ("train", "validation")


@dataclass
class Process:
    """A trial that was started."""

    process: ForkServerProcess
    log: Path
    slot: int

    def ended(self) -> str | None:
        """How the process ended, in words; None while it runs."""
        code = self.process.exitcode
        if code is None:
            return None
        said = self.log.read_text(encoding="utf-8", errors="replace")[-LOG_END:].strip() if self.log.exists() else ""
        return f"its process ended with {_code(code)}{f': {said}' if said else ''}"

    def stop(self) -> None:
        """Asks it to save and end."""
        self.process.terminate()

    def kill(self) -> None:
        """Ends it at once."""
        self.process.kill()
        self.process.join()


class Processes:
    """Starts trials; each has the cores and GPUs of one of `parallel` slots."""

    def __init__(
        self,
        describe: Callable[[Record, Path], Trial],
        prepared: datasets.DatasetDict,
        *,
        scratch: Path,
        parallel: int,
        gpus: int,
    ) -> None:
        """Takes what tells a trial's process all it must know, the dataset, and this machine's GPUs."""
        self._describe, self._scratch, self._parallel, self._gpus = describe, scratch, parallel, gpus
        self._running: list[Process] = []
        shared = datasets.DatasetDict({split: prepared[split] for split in SPLITS})
        (scratch / DATASET).write_bytes(pickle.dumps(shared))
        # Each trial is forked from a process that has imported torch, which takes seconds, but has never used it.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([trial_process.__name__, *USED_LATER])
        with variables({"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **self._threads()}):
            ensure_running()

    def start(self, record: Record) -> Process:
        """Starts the process of a trial."""
        self._running = [process for process in self._running if process.ended() is None]
        slot = min(set(range(self._parallel)) - {process.slot for process in self._running}, default=0)
        folder = self._scratch / str(record.number)
        folder.mkdir(exist_ok=True)
        (folder / TASK).write_text(self._describe(record, folder).to_json(), encoding="utf-8")
        made = self._context.Process(target=trial_process.work, args=(folder, self._devices(slot)))
        made.start()
        process = Process(made, folder / LOG, slot)
        self._running.append(process)
        return process

    def _threads(self) -> dict[str, str]:
        if "OMP_NUM_THREADS" in os.environ:
            return {}
        return {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // self._parallel))}

    def _devices(self, slot: int) -> dict[str, str]:
        if not self._gpus:
            return {}
        known = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(self._gpus)))
        return {"CUDA_VISIBLE_DEVICES": ",".join(share(known.split(","), slot, self._parallel))}


def share(devices: list[str], slot: int, parallel: int) -> list[str]:
    """The GPUs of one slot: an equal part, or one that several slots have in common."""
    if len(devices) < parallel:
        return [devices[slot % len(devices)]]
    each = len(devices) // parallel
    return devices[slot * each : (slot + 1) * each]


def _code(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
