"""One training in two processes of this machine: the same as in one, and ended as a whole."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from finetune.config.train import TrainConfig
from finetune.errors import TrainError
from finetune.evaluation.scores import default_metrics
from finetune.functions import load_functions
from finetune.training import launch
from finetune.training.accelerated import accelerate_environment as wanted
from finetune.training.launch import processes_of
from finetune.training.spec import TrainingSpec
from finetune.training.train import Trained, train
from tests.finetune.training.conftest import LABELS, Prepared

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.usefixtures("pair_project")
SETTINGS: dict[str, Any] = {
    "epochs": 9,
    "batch_size": 8,
    "learning_rate": 0.05,
    "log_every": 1,
    "precision": "fp32",
    "save_every": 4,
}


@pytest.fixture
def pair(tmp_path: Path, prepared: Prepared) -> Any:
    def pair(processes: int | None, model: dict[str, Any] | None = None, **settings: Any) -> Trained:
        trained = train(
            prepared(),
            TrainingSpec(
                labels=LABELS,
                functions="pair",
                get_model=load_functions("pair").get_model,
                compute_metrics=default_metrics,
                model=model or {},
                settings=TrainConfig(**{**SETTINGS, "processes": processes, **settings}),
                checkpoints=tmp_path / f"checkpoints{processes}",
                target=tmp_path / f"model{processes}",
            ),
        )
        if not model:  # what is done is not needed again
            shutil.rmtree(tmp_path / f"checkpoints{processes}")
        return trained

    return pair


def losses(trained: Trained) -> list[float]:
    return [point["loss"] for point in trained.history if "loss" in point]


@pytest.mark.parametrize("settings", [{}, {"group_by_length": False, "gradient_accumulation": 2, "epochs": 17}])
def test_two_processes_have_the_loss_curve_of_one(
    pair: Any, settings: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    one = pair(1, **settings)
    capfd.readouterr()
    two = pair(2, **settings)
    assert len(losses(one)) == len(losses(two)) >= 50
    assert losses(two)[:50] == pytest.approx(losses(one)[:50], rel=1e-4)
    assert sorted(path.name for path in (tmp_path / "model2").iterdir()) == ["finetune.json", "model.safetensors"]
    said = capfd.readouterr().err
    assert said.count("train: keeps step ") == 1, "the first process alone speaks"


@pytest.mark.parametrize(
    ("rank", "how", "says"),
    [
        (0, "raise", "train: rank 0: ValueError: the model fell over"),
        (1, "raise", "train: rank 1: ValueError: the model fell over"),
        (
            1,
            "nan",
            "train: rank 1: the training loss is nan at step 3 of 54 (epoch 0.50); lower train.learning_rate (0.05), "
            "set train.precision: fp32, or look for odd values in the data",
        ),
        (1, "kill", "train: rank 1: the process was ended by signal 9; its memory may have run out"),
    ],
)
def test_the_first_error_is_told_with_its_rank_and_ends_the_other(pair: Any, rank: int, how: str, says: str) -> None:
    with pytest.raises(TrainError) as caught:
        pair(2, {"rank": rank, "how": how})
    assert str(caught.value) == says


def test_a_process_that_hangs_ends_both_with_the_stacks_of_each(pair: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TrainError) as caught:
        pair(2, {"rank": 1, "how": "hang"}, hang_minutes=0.5)
    said = "no batch came to its end within train.hang_minutes (0.5); the log has the stacks of each process"
    assert said in str(caught.value)
    log = capfd.readouterr().err
    first, second = log.index("train: rank 0: Timeout (0:00:30)!"), log.index("train: rank 1: Timeout (0:00:30)!")
    assert "in _misbehave" not in log[first:second]
    assert "in _misbehave" in log[second:]


def test_two_processes_go_on_from_their_checkpoint(pair: Any, tmp_path: Path) -> None:
    undisturbed = pair(2)
    with pytest.raises(TrainError, match="rank 1"):
        pair(2, {"rank": 1, "how": "raise", "at": 12})
    assert sorted(path.name for path in (tmp_path / "checkpoints2").iterdir()) == ["checkpoint-6", "checkpoint-8"]
    assert pair(2).history == undisturbed.history


def test_fsdp_on_cpus_that_pass_for_gpus_has_the_loss_curve_of_one_process_and_goes_on_from_its_checkpoint(
    pair: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = pair(1)
    monkeypatch.setattr(launch, "accelerate_environment", lambda settings, gpus: wanted(settings, gpus=True))
    divided = {"accelerate": {"distributed_type": "FSDP", "fsdp_config": {"fsdp_version": 2}}}
    with pytest.raises(TrainError, match="rank 1"):
        pair(2, {"pass_for_gpus": True, "rank": 1, "how": "raise", "at": 12}, **divided)
    assert list((tmp_path / "checkpoints2").glob("*/pytorch_model_fsdp.bin")), "it is not FSDP that trains"
    two = pair(2, {"pass_for_gpus": True}, **divided)
    assert losses(two) == pytest.approx(losses(one), rel=1e-4)
    weights = [load_file(tmp_path / f"model{processes}" / "model.safetensors") for processes in (1, 2)]
    assert weights[0].keys() == weights[1].keys()
    for name, weight in weights[0].items():
        assert torch.allclose(weight, weights[1][name], rtol=1e-3)


def test_a_batch_that_cannot_be_divided_is_refused(pair: Any) -> None:
    with pytest.raises(TrainError, match="train.batch_size: must be a multiple of the 2 processes, but got 9"):
        pair(2, batch_size=9)


def test_more_processes_than_gpus_are_refused_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert processes_of(None) == 1 and processes_of(3) == 3
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert processes_of(None) == 2
    with pytest.raises(TrainError, match="train.processes: 3 are asked for, but this machine has 2 GPUs"):
        processes_of(3)


STOPPED = """
from pathlib import Path
from finetune.config.train import TrainConfig
from finetune.evaluation.scores import default_metrics
from finetune.functions import load_functions
from finetune.training.spec import TrainingSpec
from finetune.training.train import train
from tests.finetune.training.conftest import LABELS, rows
from datasets import DatasetDict
settings = {settings} | {{"processes": 2, "epochs": 900}}
train(
    DatasetDict(train=rows(48, 1, "train"), validation=rows(24, 2, "validation")),
    TrainingSpec(
        labels=LABELS, functions="pair", get_model=load_functions("pair").get_model, compute_metrics=default_metrics,
        model={{}}, settings=TrainConfig(**settings), checkpoints=Path({checkpoints!r}), target=Path({target!r}),
    ),
)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_both_processes_save_and_stop(tmp_path: Path, number: signal.Signals) -> None:
    code = STOPPED.format(settings=SETTINGS, checkpoints=str(tmp_path / "c"), target=str(tmp_path / "m"))
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + 120
    while not list((tmp_path / "c").glob("checkpoint-*")):
        assert process.poll() is None and time.monotonic() < until, process.communicate()[1]
        time.sleep(0.1)
    process.send_signal(number)
    said = process.communicate(timeout=120)[1]
    assert f"TrainingStopped: train: stopped by {number.name} after step " in said
    step = int(said.rpartition("after step ")[2].split(",")[0])
    assert (tmp_path / "c" / f"checkpoint-{step}" / "checkpoint.json").is_file()
    assert not (tmp_path / "m").exists()
