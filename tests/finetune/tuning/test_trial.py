"""What a trial's value is, what is said of trials, and how GPUs are shared."""

import pytest

from finetune.errors import TuneError
from finetune.tuning.journal import Record, State
from finetune.tuning.processes import share
from finetune.tuning.result import result_of
from finetune.tuning.trial import value_of
from finetune.tuning.words import ended_line, told, tuning_lines

HISTORY = [
    {"step": 5.0, "loss": 0.9},
    {"step": 5.0, "validation_loss": 0.5, "validation_macro_f1": 0.6},
    {"step": 10.0, "validation_loss": 0.7, "validation_macro_f1": 0.8},
]


def test_the_value_is_that_of_the_checkpoint_that_is_kept() -> None:
    assert value_of(HISTORY, "macro_f1", "macro_f1") == 0.8
    assert value_of(HISTORY, "loss", "macro_f1") == 0.7
    assert value_of(HISTORY, "macro_f1", "loss") == 0.6


def test_a_value_that_is_not_there_is_an_error() -> None:
    with pytest.raises(TuneError, match="macro_f2 is nan after training; validation gives loss, macro_f1"):
        value_of(HISTORY, "macro_f2", "macro_f1")
    with pytest.raises(TuneError, match="validation gives nothing"):
        value_of([], "loss", "loss")


@pytest.mark.parametrize(
    ("count", "parallel", "shares"),
    [(1, 2, ["0", "0"]), (2, 2, ["0", "1"]), (4, 2, ["01", "23"]), (5, 2, ["01", "23"]), (2, 3, ["0", "1", "0"])],
)
def test_gpus_are_shared_evenly(count: int, parallel: int, shares: list[str]) -> None:
    devices = [str(number) for number in range(count)]
    assert ["".join(share(devices, slot, parallel)) for slot in range(parallel)] == shares


def test_what_is_said_of_a_study() -> None:
    best = Record(
        1, {"train.learning_rate": 0.000312, "train.early_stopping": None}, State.COMPLETED, 0.83412, [], None, 41.0
    )
    others = [
        Record(0, {}, State.COMPLETED, 0.8),
        best,
        Record(2, {}, State.FAILED, reason="no memory"),
        Record(3, {}, State.PRUNED),
    ]
    assert told(best.params) == "train.learning_rate 0.000312, train.early_stopping null"
    assert ended_line(best, best) == "tune: trial 1: 0.8341 in 41.0 s (best: 0.8341, trial 1)"
    assert ended_line(others[2], best) == "tune: trial 2 failed: no memory (best: 0.8341, trial 1)"
    assert ended_line(others[3], None) == "tune: trial 3 pruned after 0 validations"
    assert tuning_lines(result_of("macro_f1", best, others).to_dict()) == [
        "trials     2 completed, 1 stopped early, 1 failed",
        "best       trial 1: macro_f1 0.8341 on validation (with the config as it stands 0.8)",
        "           train.learning_rate 0.000312, train.early_stopping null",
    ]
    assert tuning_lines({}) == []
