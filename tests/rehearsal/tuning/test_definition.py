from typing import Any

import pytest

from rehearsal.tuning.definition import kept, training_request

INSTANCE = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 30}


@pytest.mark.parametrize(
    "machines",
    [
        {"ResourceConfig": INSTANCE},
        {"HyperParameterTuningResourceConfig": INSTANCE},
        {
            "HyperParameterTuningResourceConfig": {
                "AllocationStrategy": "Prioritized",
                "InstanceConfigs": [INSTANCE, INSTANCE | {"InstanceType": "ml.g5.xlarge"}],
            }
        },
    ],
)
def test_a_training_job_gets_the_values_the_machine_and_the_tags(machines: dict[str, Any]) -> None:
    definition = kept({"RoleArn": "r", "StaticHyperParameters": {"epochs": "3"}, **machines}, "score")
    assert training_request("t-001", definition, {"lr": "0.1"}, [{"Key": "a", "Value": "b"}]) == {
        "TrainingJobName": "t-001",
        "RoleArn": "r",
        "HyperParameters": {"epochs": "3", "_tuning_objective_metric": "score", "lr": "0.1"},
        "ResourceConfig": INSTANCE,
        "Tags": [{"Key": "a", "Value": "b"}],
    }
