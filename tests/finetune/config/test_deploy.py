from pathlib import Path

import pytest
from pydantic import ValidationError

from finetune.config.deploy import DeployConfig
from finetune.config.load import load_config, load_resolved, resolved
from finetune.config.transform import TransformConfig
from finetune.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"instance_type": "ml.m5.big"}, "ml.m5.large"),
        ({"autoscaling": {"min_instances": 3, "max_instances": 2}}, "min_instances must not be above max_instances"),
        ({"autoscaling": {"min_instances": 2, "max_instances": 4}}, "instance_count must be between 2 and 4"),
        ({"capture_percent": 101}, "less than or equal to 100"),
    ],
)
def test_an_endpoint_that_aws_would_refuse_is_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DeployConfig.model_validate(values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"input_filter": "instance"}, "must be a path such as"),
        ({"output_filter": "$." + "a" * 70}, "at most 63"),
        ({"max_payload_mb": 51, "max_concurrent": 2}, "must be at most 100, but got 102"),
        ({"records_per_file": 10_001}, "less than or equal to 10000"),
    ],
)
def test_a_transform_that_sagemaker_would_refuse_is_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TransformConfig.model_validate(values)


def test_a_key_of_a_runs_config_can_be_changed_and_mistakes_name_it() -> None:
    config = resolved(load_config(ROOT / "configs" / "EXP-3333.yaml"))
    assert load_resolved(config, ["deploy.instance_count=3"]).deploy.instance_count == 3
    assert resolved(load_resolved(config)) == config
    with pytest.raises(ConfigError, match="deploy.instances: "):
        load_resolved(config, ["deploy.instances=3"])


def test_a_transform_needs_a_registered_model() -> None:
    with pytest.raises(ConfigError, match="transform must be false where register is"):
        load_config(ROOT / "configs" / "EXP-3333.yaml", ["steps.transform=true"])
