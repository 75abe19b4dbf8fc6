"""The request of a tuning job, as SageMaker's own model of it takes it."""

from typing import Any

import pytest

from finetune.config.compute import MachinesConfig
from finetune.config.tune import TuneConfig
from operators.packing import unpack
from operators.request import AccountSettings
from operators.tuning_request import COMMAND, Wanted, ticket_of, tuning_name, tuning_request
from rehearsal.validate import validate

KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
ACCOUNT = AccountSettings(
    role="arn:aws:iam::123456789012:role/jobs",
    output="s3://b/out",
    kms_key=KEY,
    subnets=["subnet-1"],
    security_groups=["sg-1"],
    tags={"team": "x"},
)
SPACE: dict[str, Any] = {
    "train.learning_rate": {"log_uniform": [2e-5, 5e-4]},
    "train.warmup": {"uniform": [0, 0.2]},
    "model.tail": {"int": [1, 9]},
    "train.schedule": {"choice": ["linear", "cosine"]},
}


def request(
    machines: dict[str, Any] | None = None, wanted: dict[str, Any] | None = None, **tune: Any
) -> dict[str, Any]:
    made = tuning_request(
        Wanted(
            name="EXP-1-1-01234567-1",
            image="123456789012.dkr.ecr.us-east-1.amazonaws.com/finetune:1",
            machines=MachinesConfig.model_validate({"instance_type": "ml.m5.xlarge", **(machines or {})}),
            account=ACCOUNT,
            place="s3://b/home/runs/1/study/abc",
            settings=TuneConfig.model_validate({"space": SPACE, **tune}),
            lower_is_better=False,
            tags={"finetune:run": "EXP-1-a-1"},
            **{"trials": 12, **(wanted or {})},
        )
    )
    validate("CreateHyperParameterTuningJob", made)
    return made


def test_the_space_becomes_ranges() -> None:
    assert request()["HyperParameterTuningJobConfig"]["ParameterRanges"] == {
        "ContinuousParameterRanges": [
            {"Name": "train.learning_rate", "MinValue": "2e-05", "MaxValue": "0.0005", "ScalingType": "Logarithmic"},
            {"Name": "train.warmup", "MinValue": "0.0", "MaxValue": "0.2", "ScalingType": "Linear"},
        ],
        "IntegerParameterRanges": [{"Name": "model.tail", "MinValue": "1", "MaxValue": "9", "ScalingType": "Linear"}],
        "CategoricalParameterRanges": [{"Name": "train.schedule", "Values": ['"linear"', '"cosine"']}],
    }


@pytest.mark.parametrize(("sampler", "strategy"), [("tpe", "Bayesian"), ("random", "Random")])
def test_sampler_limits_and_early_stops_are_said(sampler: str, strategy: str) -> None:
    more = {"trials": 5, "seconds": 60.0, "attempt": 2}
    config = request(sampler=sampler, parallel=9, early_stop=4, seed=3, wanted=more)["HyperParameterTuningJobConfig"]
    assert config["Strategy"] == strategy and config["RandomSeed"] == 4
    assert config["ResourceLimits"] == {
        "MaxNumberOfTrainingJobs": 5,
        "MaxParallelTrainingJobs": 5,
        "MaxRuntimeInSeconds": 120,
    }
    assert config["TrainingJobEarlyStoppingType"] == "Auto"
    assert config["TuningJobCompletionCriteria"]["BestObjectiveNotImproving"] == {
        "MaxNumberOfTrainingJobsNotImproving": 4
    }
    assert config["HyperParameterTuningJobObjective"] == {"Type": "Maximize", "MetricName": "objective"}
    assert request(pruner="none")["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] == "Off"


def test_a_grid_has_a_training_job_for_each_point() -> None:
    space = {"train.seed": {"choice": [1, 2, 3]}, "train.schedule": {"choice": ["linear", "cosine"]}}
    config = request(sampler="grid", space=space, wanted={"trials": 2})["HyperParameterTuningJobConfig"]
    assert (config["Strategy"], config["ResourceLimits"]["MaxNumberOfTrainingJobs"]) == ("Grid", 6)


def test_the_account_settings_reach_the_training_jobs() -> None:
    machines = {"environment": {"LONG": "x" * 600}, "tags": {"cost": "7"}, "inputs": {"words": "s3://abc/words"}}
    made = request(machines)
    job = made["TrainingJobDefinition"]
    assert job["RoleArn"] == ACCOUNT.role and job["EnableInterContainerTrafficEncryption"]
    assert job["ResourceConfig"]["VolumeKmsKeyId"] == job["OutputDataConfig"]["KmsKeyId"] == KEY
    assert job["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert [channel["ChannelName"] for channel in job["InputDataConfig"]] == ["words", "study"]
    assert unpack(job["Environment"]) == ({"LONG": "x" * 600}, COMMAND)
    tags = {tag["Key"]: tag["Value"] for tag in made["Tags"]}
    assert tags == {"team": "x", "cost": "7", "finetune:run": "EXP-1-a-1"}


def test_checkpoints_are_kept_where_capacity_may_be_taken_away() -> None:
    spot = request({"spot": True, "max_run_hours": 1, "max_wait_hours": 2})["TrainingJobDefinition"]
    assert spot["CheckpointConfig"]["S3Uri"] == "s3://b/home/runs/1/study/abc/checkpoints"
    assert spot["EnableManagedSpotTraining"] and "CheckpointConfig" not in request()["TrainingJobDefinition"]


def test_the_name_fits_follows_from_run_and_key_and_is_found_by_the_runs_name() -> None:
    name = tuning_name("s3://b/outputs", f"EXPERIMENTS-123456-{'a' * 40}", 12345, "0" * 16)
    assert len(f"{name}-99") <= 32 and name == tuning_name(
        "s3://b/outputs", f"EXPERIMENTS-123456-{'a' * 40}", 12345, "0" * 16
    )
    assert name != tuning_name("s3://b/outputs", f"EXPERIMENTS-123456-{'a' * 40}", 12345, "1" * 16)
    assert name.startswith(ticket_of("EXPERIMENTS-123456-some-words-12345-20260101"))
    assert ticket_of("EXP-3336-words-1-20260101") == "EXP-3336"
