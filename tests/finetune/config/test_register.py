"""What of `register:` and `train.gate:` is refused when a config is loaded."""

from typing import Any

import pytest

from finetune.config.experiment import ExperimentConfig

CONFIG: dict[str, Any] = {
    "experiment": "EXP-1-gated",
    "functions": "tiny",
    "production": {"labels": {"file": "labels.csv"}, "files": "files", "files_from_production": ["a.txt"]},
    "steps": {"register": True},
}


def test_every_rule_of_a_gate_can_be_given() -> None:
    gate = {
        "metrics": {"macro_f1": {"min": 0.85}, "brier": {"max": 0.2}},
        "above_baselines": {"macro_f1": 0.02},
        "not_worse_than_approved": {"metric": "accuracy", "tolerance": 0.01},
    }
    config = ExperimentConfig.model_validate({**CONFIG, "register": {"gate": gate}})
    assert config.register.gate.names == ["macro_f1", "brier", "accuracy"]
    assert config.register.gate.metrics["macro_f1"].min == 0.85


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"register": {"gate": {"metrics": {"macro_f1": 0.9}}}}, r"write {min: 0.9} or {max: 0.9}"),
        ({"register": {"gate": {"metrics": {"macro_f1": {}}}}}, "must have min, max or both"),
        ({"register": {"gate": {"metrics": {"macro_f1": {"min": 0.9, "max": 0.1}}}}}, "min must not be above max"),
        ({"register": {"gate": {"above_baselines": {"macro_f1": -0.1}}}}, "distances of 0 and more"),
        ({"register": {"gate": {"not_worse_than_approved": {"metric": "a", "tolerance": -1.0}}}}, "greater than or"),
        ({"steps": {}, "register": {"gate": {"above_baselines": {"macro_f1": 0.1}}}}, "set steps.register to true"),
        ({"steps": {"register": True, "train": False, "tune": True}}, "register must be false where train is"),
        ({"pipeline": "features"}, "steps.register does not go with pipeline: features"),
        ({"train": {"gate": {"loss": {}}}}, "must have min, max or both"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExperimentConfig.model_validate({**CONFIG, **changes})
