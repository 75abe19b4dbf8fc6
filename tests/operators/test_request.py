from typing import Any

import pytest

from finetune.config.compute import MachinesConfig
from operators.packing import unpack
from operators.request import AccountSettings, training_request
from rehearsal.validate import validate

ROLE = "arn:aws:iam::123456789012:role/jobs"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
FULL = AccountSettings(
    role=ROLE, output="s3://b/out/", kms_key=KEY, subnets=["subnet-1"], security_groups=["sg-1"], tags={"team": "x"}
)


def request(account: AccountSettings = FULL, **machines: Any) -> dict[str, Any]:
    made = training_request(
        "job-1",
        image="123456789012.dkr.ecr.us-east-1.amazonaws.com/finetune:1",
        command=["python", "-m", "zenml.entrypoints.entrypoint", "--step_name", "x" * 300],
        environment={"TOKEN": "t" * 3000, "SHORT": "1"},
        machines=MachinesConfig(**{"instance_type": "ml.m5.xlarge", **machines}),
        account=account,
        checkpoints="s3://b/home/runs/7/checkpoints",
        tags={"finetune:step": "train"},
    )
    validate("CreateTrainingJob", made)
    return made


def test_the_account_settings_reach_every_part_of_the_job() -> None:
    made = request()
    assert made["RoleArn"] == ROLE
    assert made["ResourceConfig"]["VolumeKmsKeyId"] == made["OutputDataConfig"]["KmsKeyId"] == KEY
    assert made["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert made["OutputDataConfig"]["S3OutputPath"] == "s3://b/out/jobs"
    assert {"Key": "team", "Value": "x"} in made["Tags"] and {"Key": "finetune:step", "Value": "train"} in made["Tags"]


def test_an_instance_with_disks_of_its_own_gets_no_key_for_a_volume() -> None:
    assert "VolumeKmsKeyId" not in request(instance_type="ml.g5.xlarge")["ResourceConfig"]


def test_environment_and_command_come_back_in_the_container() -> None:
    environment, command = unpack(request(environment={"SHORT": "2"})["Environment"])
    assert environment == {"TOKEN": "t" * 3000, "SHORT": "2"}
    assert command[-1] == "x" * 300


def test_spot_has_a_time_to_wait() -> None:
    made = request(spot=True, max_run_hours=1, max_wait_hours=2.5)
    assert made["EnableManagedSpotTraining"] is True
    assert made["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 9000}
    assert "EnableManagedSpotTraining" not in request()


@pytest.mark.parametrize("spot", [{}, {"spot": True, "max_run_hours": 1, "max_wait_hours": 2}])
def test_checkpoints_lie_where_a_later_job_finds_them(spot: dict[str, Any]) -> None:
    place = {"S3Uri": "s3://b/home/runs/7/checkpoints", "LocalPath": "/opt/ml/checkpoints"}
    assert request(**spot)["CheckpointConfig"] == place


def test_a_warm_pool_a_volume_and_instances_are_asked_for() -> None:
    resources = request(warm_pool_minutes=20, volume_gb=77, instance_count=4)["ResourceConfig"]
    assert (resources["KeepAlivePeriodInSeconds"], resources["VolumeSizeInGB"], resources["InstanceCount"]) == (
        1200,
        77,
        4,
    )


@pytest.mark.parametrize("count", [1, 2])
def test_what_goes_between_instances_is_encrypted_and_one_instance_asks_for_it_too(count: int) -> None:
    assert request(instance_count=count)["EnableInterContainerTrafficEncryption"] is True


def test_inputs_become_channels() -> None:
    made = request(
        inputs={"words": "s3://bucket/words"}, input_mode="FastFile", distribution="ShardedByS3Key", instance_count=2
    )
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/words", "S3DataDistributionType": "ShardedByS3Key"}
    assert made["InputDataConfig"] == [
        {"ChannelName": "words", "DataSource": {"S3DataSource": source}, "InputMode": "FastFile"}
    ]
    assert "InputDataConfig" not in request()


def test_fewer_gpus_than_there_are_become_the_only_visible_ones() -> None:
    made = request(instance_type="ml.g5.12xlarge", gpus=2)
    assert unpack(made["Environment"])[0]["CUDA_VISIBLE_DEVICES"] == "0,1"
