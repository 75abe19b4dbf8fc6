from typing import Any

import pytest

from finetune.errors import TrainError
from finetune.training.accelerated import accelerate_environment, check_accelerate

FSDP: dict[str, Any] = {"distributed_type": "FSDP", "fsdp_config": {"fsdp_version": 2, "offload_params": True}}


def test_what_accelerate_config_writes_becomes_what_its_accelerator_reads() -> None:
    variables = accelerate_environment(FSDP, gpus=True)
    chosen = {name: variables[name] for name in ("ACCELERATE_USE_FSDP", "FSDP_VERSION", "FSDP_OFFLOAD_PARAMS")}
    assert chosen == {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_OFFLOAD_PARAMS": "true"}
    assert variables["FSDP_STATE_DICT_TYPE"] == "FULL_STATE_DICT"
    assert accelerate_environment({"debug": True}, gpus=False) == {"ACCELERATE_DEBUG_MODE": "true"}
    assert accelerate_environment({"distributed_type": "MULTI_GPU"}, gpus=True) == {}


@pytest.mark.parametrize(
    ("fsdp", "says"),
    [
        ({"fsdp_versoin": 2}, "accelerate [0-9.]+ refuses it: unrecognized arguments: --fsdp_versoin=2"),
        ({"fsdp_version": 3}, "invalid choice: '3' .choose from '1', '2'."),
        ({"fsdp_auto_wrap_policy": "BIG"}, "fsdp_auto_wrap_policy: must be one of TRANSFORMER_BASED_WRAP, .* got BIG"),
        ({"fsdp_min_num_params": "many"}, "invalid int value: 'many'"),
        ({"fsdp_state_dict_type": "SHARDED_STATE_DICT"}, "must be FULL_STATE_DICT, but got SHARDED_STATE_DICT"),
    ],
)
def test_what_accelerate_does_not_know_is_refused_before_anything_runs(fsdp: dict[str, Any], says: str) -> None:
    with pytest.raises(TrainError, match=f"^train.accelerate.*{says}"):
        check_accelerate({"distributed_type": "FSDP", "fsdp_config": fsdp})


def test_deepspeed_is_refused_where_it_is_not_installed() -> None:
    with pytest.raises(TrainError, match="distributed_type: DEEPSPEED needs the package deepspeed"):
        check_accelerate({"distributed_type": "DEEPSPEED", "deepspeed_config": {"zero_stage": 2}})


def test_cpus_cannot_divide_a_model() -> None:
    with pytest.raises(TrainError, match="FSDP divides a model among GPUs, and this machine has none"):
        accelerate_environment(FSDP, gpus=False)
