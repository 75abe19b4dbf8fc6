"""A training that was broken off and goes on gives what an undisturbed one gives, bit for bit."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerControl, TrainerState

from finetune.errors import TrainError
from finetune.training import callbacks
from finetune.training.callbacks import StopWhenAsked, TrainingStopped
from tests.finetune.training.conftest import Bag, Prepared, Result, TrainTiny

# 48 examples in batches of 8: 6 steps an epoch, 18 in all.
SETTINGS: dict[str, Any] = {"save_every": 4, "warmup": 0.2, "weight_decay": 0.1, "log_every": 3}


class Broken(RuntimeError):
    """What breaks a training off here."""


class Fragile(Bag):
    """Has dropout, and breaks at its n-th training batch."""

    def __init__(self, labels: int = 2, breaks_at: int = 0) -> None:
        super().__init__(labels)
        self.breaks_at, self.batches = breaks_at, 0

    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        if self.training:
            self.batches += 1
            if self.batches == self.breaks_at:
                self.happens()
        logits = torch.nn.functional.dropout(self.logits(words), 0.3, self.training)
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    def happens(self) -> None:
        raise Broken


class Stopped(Fragile):
    """Is asked to stop instead of breaking."""

    def happens(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def weights(result: Result) -> dict[str, torch.Tensor]:
    return load_file(result.model / "model.safetensors")


def same(one: Result, other: Result) -> bool:
    weigh, other_weigh = weights(one), weights(other)
    return one.trained.history == other.trained.history and all(torch.equal(weigh[n], other_weigh[n]) for n in weigh)


@pytest.mark.parametrize("broken_at", [1, 3, 5, 6, 7, 10, 13, 18])
@pytest.mark.parametrize("group_by_length", [True, False])
def test_a_broken_training_goes_on_as_if_nothing_had_happened(
    train_tiny: TrainTiny, tmp_path: Path, broken_at: int, group_by_length: bool
) -> None:
    settings = {**SETTINGS, "group_by_length": group_by_length}
    undisturbed = train_tiny(get_model=lambda model, labels: Fragile(), **settings)
    with pytest.raises(Broken):
        train_tiny(get_model=lambda model, labels: Fragile(breaks_at=broken_at), checkpoints=tmp_path / "c", **settings)
    models: list[Fragile] = []

    def get_model(model: Any, labels: Any) -> Fragile:
        models.append(Fragile())
        return models[0]

    resumed = train_tiny(get_model=get_model, checkpoints=tmp_path / "c", **settings)
    assert same(resumed, undisturbed)
    done_before = max(step for step in (0, 4, 6, 8, 12, 16, 18) if step < broken_at)
    assert models[0].batches == 18 - done_before


def test_with_gradients_accumulated_and_early_stopping_a_broken_training_goes_on_as_well(
    train_tiny: TrainTiny, prepared: Prepared, tmp_path: Path
) -> None:
    data = prepared(flip_validation=True)
    settings = {**SETTINGS, "gradient_accumulation": 2, "early_stopping": 2, "epochs": 9, "best_metric": "loss"}
    undisturbed = train_tiny(data, get_model=lambda model, labels: Fragile(), **settings)
    broken: dict[str, Any] = {"get_model": lambda model, labels: Fragile(breaks_at=11), "checkpoints": tmp_path / "c"}
    with pytest.raises(Broken):
        train_tiny(data, **broken, **settings)
    resumed = train_tiny(data, get_model=lambda model, labels: Fragile(), checkpoints=tmp_path / "c", **settings)
    assert same(resumed, undisturbed)
    assert 0 < resumed.trained.history[-1]["epoch"] < 9


@pytest.mark.parametrize("epochs", [3, 2.5])
def test_a_training_that_was_done_is_not_done_again(train_tiny: TrainTiny, tmp_path: Path, epochs: float) -> None:
    first = train_tiny(get_model=lambda model, labels: Fragile(), checkpoints=tmp_path / "c", epochs=epochs, **SETTINGS)
    broken_at_once: dict[str, Any] = {"get_model": lambda model, labels: Fragile(breaks_at=1)}
    again = train_tiny(**broken_at_once, checkpoints=tmp_path / "c", epochs=epochs, **SETTINGS)
    assert same(first, again)


@pytest.mark.parametrize("asked_at", [5, 12, 18])
def test_a_training_that_is_asked_to_stop_saves_the_step_at_hand_and_goes_on_from_there(
    train_tiny: TrainTiny, tmp_path: Path, asked_at: int, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed = train_tiny(get_model=lambda model, labels: Fragile(), **SETTINGS)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(TrainingStopped, match=f"stopped by SIGTERM after step {asked_at}, which is saved"):
        train_tiny(get_model=lambda model, labels: Stopped(breaks_at=asked_at), checkpoints=tmp_path / "c", **SETTINGS)
    assert signal.getsignal(signal.SIGTERM) is before
    assert (tmp_path / "c" / f"checkpoint-{asked_at}").is_dir()
    capsys.readouterr()
    resumed = train_tiny(get_model=lambda model, labels: Fragile(), checkpoints=tmp_path / "c", **SETTINGS)
    assert f"train: goes on from the checkpoint of step {asked_at}\n" in capsys.readouterr().err
    assert same(resumed, undisturbed)


def test_only_the_newest_checkpoints_and_the_best_stay(
    train_tiny: TrainTiny, prepared: Prepared, tmp_path: Path
) -> None:
    # Validation has the opposite labels, so the first epoch is the best.
    data = prepared(flip_validation=True)
    settings = {**SETTINGS, "best_metric": "loss", "save_limit": 1}
    train_tiny(data, get_model=lambda model, labels: Fragile(), checkpoints=tmp_path / "c", **settings)
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["checkpoint-18", "checkpoint-6"]


def test_a_checkpoint_of_another_model_is_refused_by_name(train_tiny: TrainTiny, tmp_path: Path) -> None:
    with pytest.raises(Broken):
        train_tiny(get_model=lambda model, labels: Fragile(breaks_at=8), checkpoints=tmp_path / "c", **SETTINGS)

    def larger(model: Any, labels: Any) -> Bag:
        bag = Bag()
        bag.head = torch.nn.Linear(8, 3)
        return bag

    with pytest.raises(TrainError, match=r"checkpoint-6 is of another model than get_model builds; remove .*/c, "):
        train_tiny(get_model=larger, checkpoints=tmp_path / "c", **SETTINGS)


def test_a_signal_is_the_first_of_this_process_though_a_mocked_other_had_it_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(callbacks.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(callbacks.distributed, "all_reduce", lambda number, operation: number.fill_(signal.SIGTERM))
    state, control, stop = TrainerState(global_step=4, max_steps=9, epoch=0.5), TrainerControl(), StopWhenAsked()
    arguments: Any = None
    with pytest.raises(TrainingStopped, match="train: stopped by SIGTERM after step 4"), stop:
        stop.on_step_end(arguments, state, control)
        assert control.should_save
        os.kill(os.getpid(), signal.SIGTERM)
        stop.on_save(arguments, state, control)


def test_a_signal_after_the_last_checkpoint_is_not_lost() -> None:
    with pytest.raises(TrainingStopped, match="train: stopped by SIGTERM$"), StopWhenAsked():
        os.kill(os.getpid(), signal.SIGTERM)
