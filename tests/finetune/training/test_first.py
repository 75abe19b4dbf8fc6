"""What the first validation misses ends training at once."""

import re

import pytest

from finetune.errors import TrainError
from tests.finetune.training.conftest import TrainTiny


def test_a_first_validation_that_misses_its_gate_ends_training_with_each_rule_and_by_how_much(
    train_tiny: TrainTiny,
) -> None:
    with pytest.raises(TrainError, match=re.escape("the first validation, at step 6, misses its gate: ")) as caught:
        train_tiny(gate={"loss": {"max": 0.001}, "macro_f1": {"min": 1.1}})
    told = str(caught.value)
    assert re.search(r"train.gate.loss.max: loss \d.\d{3} must be at most 0.001: missed by \d.\d{3}; ", told)
    assert "train.gate.macro_f1.min: macro_f1 " in told


def test_a_training_that_keeps_its_gate_goes_on_and_later_validations_are_not_asked(train_tiny: TrainTiny) -> None:
    whole = train_tiny()
    first, *later = whole.losses("validation_loss")
    assert any(loss < first for loss in later)
    kept = train_tiny(gate={"loss": {"min": first - 1e-6}})
    assert kept.losses("validation_loss") == whole.losses("validation_loss")
