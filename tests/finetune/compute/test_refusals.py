import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from finetune.config.compute import MachinesConfig
from finetune.config.load import load_config
from finetune.errors import ConfigError

BASE = Path(__file__).resolve().parents[3] / "configs" / "EXP-3333.yaml"


def refused(tmp_path: Path, step: str = "train", train: dict[str, Any] | None = None, **machines: Any) -> str:
    file = tmp_path / "c.yaml"
    entry = {"instance_type": "ml.m5.xlarge", **machines}
    file.write_text(yaml.safe_dump({"extends": str(BASE), "compute": {step: entry}, "train": train or {}}))
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    return str(caught.value)


@pytest.mark.parametrize(
    ("machines", "says"),
    [
        ({"instance_type": "ml.g5.xlrge"}, "instance_type: must be .* got 'ml.g5.xlrge'; did you mean ml.g5.xlarge"),
        ({"instance_type": "nonsense!"}, r"instance_type: must be .* finetune/compute/instances.csv lists them"),
        ({"instance_type": "ml.trn1.2xlarge"}, "instance_type: ml.trn1.2xlarge has AWS Neuron"),
        ({"gpus": 1}, "gpus: ml.m5.xlarge has no GPUs, not 1; ml.g"),
        ({"instance_type": "ml.g5.xlarge", "gpus": 4}, "gpus: ml.g5.xlarge has 1 GPU, not 4; ml.g4dn.12xlarge has"),
        ({"spot": True}, r"spot needs max_wait_hours, at least max_run_hours \(24\)"),
        ({"spot": True, "max_wait_hours": 2}, r"max_wait_hours must be at least max_run_hours \(24\), but got 2"),
        ({"max_wait_hours": 30}, "max_wait_hours is for spot only"),
        ({"spot": True, "max_wait_hours": 30, "warm_pool_minutes": 5}, "cannot be kept in a warm pool"),
        ({"warm_pool_minutes": 361}, "warm_pool_minutes: must be less than or equal to 360, but got 361"),
        ({"max_run_hours": 700}, "max_run_hours: must be less than or equal to 672"),
        ({"instance_type": "ml.g5.xlarge", "volume_gb": 300}, "volume_gb: ml.g5.xlarge has disks of its own with 250"),
        ({"input_mode": "FastFile"}, "input_mode: FastFile is for inputs, and there are none"),
        ({"distribution": "ShardedByS3Key", "instance_count": 2}, "ShardedByS3Key is for inputs, and there are none"),
        ({"distribution": "ShardedByS3Key", "inputs": {"a": "s3://bucket/a"}}, "needs instance_count above 1"),
        ({"inputs": {"a": "bucket/a"}}, r"inputs.a: must match pattern"),
        ({"environment": {"AWS_REGION": "x"}}, "environment.AWS_REGION: variables that begin with"),
        ({"environment": {"A": "x" * 20_001}}, "environment must have at most 20,000 characters, but has 20,002"),
        ({"environment": {"a-b": "x"}}, r"compute.train.environment"),
        ({"tags": {"aws:owner": "x"}}, "tags.aws:owner: keys that begin with aws: belong to AWS"),
        ({"tags": {"team": "a;b"}}, "tags.team: must match pattern"),
        ({"tags": {f"k{number}": "v" for number in range(41)}}, "tags: .* at most 40"),
        ({"instance_count": 0}, "instance_count: must be greater than or equal to 1"),
        ({"instance_count": 3}, r"train.batch_size \(16\) .* must be a multiple of 3; write 18"),
        ({"instance_type": "ml.p5.48xlarge", "instance_count": 4}, "must be a multiple of 32; write 32"),
        ({"train": {"precision": "fp16"}}, "compute.train.instance_type ml.m5.xlarge has none"),
        *(
            (
                {"instance_type": name, "train": {"precision": "bf16"}},
                rf"train.precision: bf16 needs a GPU .* {name} has {gpu}; write fp16, fp32 or auto",
            )
            for name, gpu in (
                ("ml.g4dn.xlarge", "T4"),
                ("ml.p2.xlarge", "K80"),
                ("ml.p3.2xlarge", "V100"),
                ("ml.p3dn.24xlarge", "V100"),
            )
        ),
    ],
)
def test_what_cannot_be_is_refused_with_file_key_and_rule(tmp_path: Path, machines: dict[str, Any], says: str) -> None:
    message = refused(tmp_path, **machines)
    assert re.search(says, message), message
    assert str(tmp_path / "c.yaml") in message or "EXP-3333.yaml" in message


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("ml.g5.xlarge", "bf16"),
        ("ml.p4d.24xlarge", "bf16"),
        ("ml.m5.xlarge", "bf16"),
        ("ml.g4dn.xlarge", "auto"),
        ("ml.p3.2xlarge", "fp16"),
    ],
)
def test_a_precision_that_the_instance_computes_in_passes(tmp_path: Path, name: str, precision: str) -> None:
    file = tmp_path / "c.yaml"
    compute = {"train": {"instance_type": name}}
    file.write_text(yaml.safe_dump({"extends": str(BASE), "compute": compute, "train": {"precision": precision}}))
    assert load_config(file).train.precision == precision


def test_the_key_is_dotted_and_all_rules_of_an_entry_are_told_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, step="prepare", spot=True, warm_pool_minutes=5, gpus=1)
    assert "compute.prepare: gpus: " in message
    assert "spot needs max_wait_hours" in message and "warm pool" in message


@pytest.mark.parametrize(
    "machines",
    [
        {},
        {"instance_count": 2, "inputs": {"a": "s3://bucket/a"}, "distribution": "ShardedByS3Key"},
        {"inputs": {"a": "s3://bucket/a"}, "input_mode": "FastFile"},
        {"spot": True, "max_run_hours": 1, "max_wait_hours": 1.5},
        {"warm_pool_minutes": 360},
        {"instance_type": "ml.g5.12xlarge", "gpus": 2, "volume_gb": 3800},
        {"tags": {"cost centre": "Zürich:1"}, "environment": {"A": ""}},
    ],
)
def test_what_can_be_passes(machines: dict[str, Any]) -> None:
    assert MachinesConfig(**{"instance_type": "ml.m5.xlarge", **machines})
