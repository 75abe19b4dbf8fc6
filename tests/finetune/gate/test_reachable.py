import pytest

from finetune.config.register import BoundsConfig, GateConfig
from finetune.errors import ConfigError
from finetune.gate.reachable import refuse_unreachable


def test_what_no_model_can_reach_is_refused_with_its_key_and_value() -> None:
    gate = GateConfig.model_validate(
        {"metrics": {"macro_f1": {"min": 90}, "accuracy": {"min": 0.9}}, "above_baselines": {"accuracy": 2}}
    )
    with pytest.raises(ConfigError) as caught:
        refuse_unreachable(gate, {"macro_f1": BoundsConfig(max=-0.5), "loss": BoundsConfig(min=2)})
    assert str(caught.value) == (
        "register.gate.metrics.macro_f1.min: 90.0; train.gate.macro_f1.max: -0.5; "
        "register.gate.above_baselines.accuracy: 2.0: no model can keep this: the default metrics lie between 0 and 1"
    )


def test_what_can_be_reached_passes() -> None:
    gate = GateConfig.model_validate(
        {"metrics": {"macro_f1": {"min": 1, "max": 1}}, "above_baselines": {"accuracy": 1}}
    )
    refuse_unreachable(gate, {"loss": BoundsConfig(max=3)})
