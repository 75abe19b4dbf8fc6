"""A trainer whose checkpoints hold all that training needs to go on as if nothing had happened."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_file, save_model
from torch import distributed
from transformers import TrainerState
from transformers.trainer import TRAINER_STATE_NAME

from finetune.errors import TrainError
from finetune.evaluation.direction import best_point
from finetune.progress import say
from finetune.training.checkpoints import Checkpoint, Checkpoints
from finetune.training.points import history_of
from finetune.training.pretrained import WEIGHTS
from finetune.training.trainer import ModuleTrainer

RANKS = "ranks.pt"
"""A list with the state of each process: random generators, and the loss since the loss curve's last point."""
FINISHED, EPOCH = "finished", "epoch"
"""What is said of a checkpoint: whether training ends with it, and the passes over the examples so far."""


class ResumableTrainer(ModuleTrainer):
    """Saves model, optimiser, schedule, position, random generators and loss; goes on from there, bit for bit."""

    def __init__(self, *, checkpoints: Checkpoints, **settings: Any) -> None:
        """Takes where checkpoints lie; the rest is ModuleTrainer's."""
        super().__init__(**settings)
        self._checkpoints, self._scratch = checkpoints, Path(self.args.output_dir)

    def train_from(self, last: Checkpoint | None) -> None:
        """Trains from a checkpoint to the end, or from the beginning.

        Raises:
            TrainError: A checkpoint does not fit, cannot be written, or is torn.
        """
        if last is not None and last.facts[FINISHED]:
            self.state = TrainerState.load_from_json(str(last.folder / TRAINER_STATE_NAME))
        else:
            self.train(resume_from_checkpoint=None if last is None else str(last.folder))

    def best_model(self, build: Callable[[], torch.nn.Module]) -> torch.nn.Module:
        """The model of the best checkpoint, or as it is if there is none; where FSDP divided it, `build` makes it anew.

        Raises:
            TrainError: The checkpoint is torn.
        """
        model: torch.nn.Module = build() if self.is_fsdp_enabled else self.model
        step = self.state.best_global_step or (self.state.global_step if self.is_fsdp_enabled else 0)
        if step:
            self._checkpoints.check(step)
            _load(model, self._checkpoints.of_step(step))
        return model

    # Of equal metrics Trainer keeps the earliest, on a small validation split a model that has barely begun to learn.

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        if super()._determine_best_metric(metrics, trial):
            return True
        best = best_point(history_of(self.state.log_history), str(self.args.metric_for_best_model))
        if best is None or best["step"] != self.state.global_step:
            return False
        self.state.best_global_step = self.state.global_step
        return True

    # Trainer writes checkpoint-<step> into a folder that it asks for; here it becomes a checkpoint once it is whole.

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        step, best = self.state.global_step, self.state.best_global_step
        finished = self.control.should_training_stop or step >= self.state.max_steps
        if not self.is_world_process_zero():
            super()._save_checkpoint(model, trial)
            return
        facts = {FINISHED: finished, EPOCH: self.state.epoch}
        with self._checkpoints.writing(step, facts) as self._scratch:  # the others write nothing
            super()._save_checkpoint(model, trial)
        self._checkpoints.forget(best)

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._scratch)

    # Trainer writes a plain module's state as it is, which fails where modules share a tensor; FSDP gathers a state.

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if not self.is_world_process_zero():
            return
        file = Path(output_dir or self.args.output_dir, WEIGHTS)
        if state_dict is None:
            save_model(self.model, str(file))
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            save_file({name: tensor.cpu().contiguous() for name, tensor in state_dict.items()}, str(file))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            _load(self.model, Path(resume_from_checkpoint))

    # A process of another machine has no part in the first one's folder, so that one writes the state of all.

    def _save_rng_state(self, output_dir: str) -> None:
        mine = {"random": _random_state(), "loss": self._tr_loss.cpu(), "logged": self._globalstep_last_logged}
        states: list[Any] = [mine]
        if distributed.is_initialized():
            states = [None] * self.args.world_size
            distributed.all_gather_object(states, mine)
        if self.is_world_process_zero():
            torch.save(states, Path(output_dir, RANKS))

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        states = torch.load(Path(checkpoint, RANKS), weights_only=True)
        if len(states) != self.args.world_size:
            say(
                f"train: {checkpoint} is of {len(states)} processes, now there are {self.args.world_size}: "
                "dropout goes on with other random numbers"
            )
            return
        mine = states[self.args.process_index]
        _set_random_state(mine["random"])
        self._tr_loss = mine["loss"].to(self.args.device)
        self._globalstep_last_logged = mine["logged"]


def _load(model: torch.nn.Module, checkpoint: Path) -> None:
    try:
        load_model(model, str(checkpoint / WEIGHTS))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise TrainError(
            f"train: the checkpoint {checkpoint} is of another model than get_model builds; remove "
            f"{checkpoint.parent}, and training starts anew ({str(error)[:300]})"
        ) from error


def _random_state() -> dict[str, Any]:
    """Of Python, numpy and torch, in types that torch loads without running code."""
    numpy: Any = np.random.get_state()
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {
        "python": random.getstate(),
        "numpy": (numpy[0], numpy[1].tolist(), *numpy[2:]),
        "torch": torch.get_rng_state(),
        "cuda": gpus,
    }


def _set_random_state(state: dict[str, Any]) -> None:
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, np.asarray(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
