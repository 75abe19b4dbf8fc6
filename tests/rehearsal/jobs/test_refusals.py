from typing import Any

import pytest


def refused(bench: Any, code: str, **members: Any) -> str:
    with pytest.raises(bench.sagemaker.exceptions.ClientError) as caught:
        bench.train("", **members)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"TrainingJobName": "under_score"}, "trainingJobName"),
        ({"TrainingJobName": "n" * 64}, "length less than or equal to 63"),
        ({"Environment": {"KEY": "v" * 513}}, "length less than or equal to 512"),
        ({"Environment": {"not-a-name": "v"}}, "regular expression pattern"),
        ({"HyperParameters": {"key": "v" * 2501}}, "length less than or equal to 2500"),
        ({"ResourceConfig": {"InstanceType": "ml.bogus.large"}}, "enum value set"),
        ({"AlgorithmSpecification": {"ContainerEntrypoint": ["a" * 257]}}, "containerEntrypoint.1.member"),
        ({"AlgorithmSpecification": {"MetricDefinitions": [{"Name": "m", "Regex": "("}]}}, "Invalid regex"),
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 9, "MaxWaitTimeInSeconds": 9}}, "EnableManagedSpotTraining"),
    ],
)
def test_what_the_service_refuses_is_refused(bench: Any, members: dict[str, Any], said: str) -> None:
    assert said in refused(bench, "ValidationException", **members)


def test_a_role_that_cannot_be_assumed(bench: Any) -> None:
    role = "arn:aws:iam::123456789012:role/nobody"
    assert f"Could not assume role {role}" in refused(bench, "ValidationException", RoleArn=role)


def test_a_role_that_does_not_trust_sagemaker(bench: Any) -> None:
    policy = '{"Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}]}'
    role = bench.rehearsal.client("iam").create_role(RoleName=bench.name("r"), AssumeRolePolicyDocument=policy)["Role"]
    assert "principal 'sagemaker.amazonaws.com'" in refused(bench, "ValidationException", RoleArn=role["Arn"])


def test_a_quota_of_zero(bench: Any) -> None:
    bench.rehearsal.limit(quotas={"ml.g5.xlarge for training job usage": 0})
    said = refused(bench, "ResourceLimitExceeded", ResourceConfig={"InstanceType": "ml.g5.xlarge"})
    assert "'ml.g5.xlarge for training job usage' is 0 Instances" in said and "delta of 1 Instances" in said


def test_warm_pools_have_no_quota(bench: Any) -> None:
    said = refused(bench, "ResourceLimitExceeded", ResourceConfig={"KeepAlivePeriodInSeconds": 300})
    assert "warm pool" in said


def test_inputs_that_are_missing(bench: Any) -> None:
    channels = [bench.channel("data", f"s3://{bench.bucket}/nothing/here")]
    assert "No S3 objects found" in refused(bench, "ValidationException", InputDataConfig=channels)


def test_a_bucket_of_another_account(bench: Any) -> None:
    bench.s3.create_bucket(Bucket="of-another-account")
    bench.s3.put_object(Bucket="of-another-account", Key="data/a", Body=b"a")
    bench.rehearsal.limit(foreign_buckets=["of-another-account"])
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="AccessDenied"):
        bench.s3.list_objects_v2(Bucket="of-another-account")
    channels = [bench.channel("data", "s3://of-another-account/data")]
    assert "s3:ListBucket" in refused(bench, "ValidationException", InputDataConfig=channels)
    job = bench.trained(
        bench.train(
            "open('/opt/ml/model/m', 'w').write('m')", OutputDataConfig={"S3OutputPath": "s3://of-another-account/out"}
        )
    )
    assert job["TrainingJobStatus"] == "Failed"
    assert (
        job["FailureReason"].startswith("ClientError: Artifact upload failed")
        and "AccessDenied" in job["FailureReason"]
    )


def test_a_name_is_used_once(bench: Any) -> None:
    name = bench.train("")
    bench.trained(name)
    assert "already exists" in refused(bench, "ResourceInUse", TrainingJobName=name)


def test_an_unknown_job_is_not_found(bench: Any) -> None:
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="Requested resource not found"):
        bench.described("no-such-job")


def test_a_job_of_one_region_is_unknown_in_another(bench: Any) -> None:
    import boto3

    name = bench.train("")
    elsewhere = boto3.client(
        "sagemaker",
        endpoint_url=bench.rehearsal.endpoint,
        region_name="eu-west-1",
        aws_access_key_id="a",
        aws_secret_access_key="a",
    )
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="not found"):
        elsewhere.describe_training_job(TrainingJobName=name)
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="requested image"):
        elsewhere.create_training_job(**bench.training(""))


def test_only_a_running_spot_job_can_be_interrupted(bench: Any) -> None:
    name = bench.train("")
    with pytest.raises(Exception, match="not a spot training job"):
        bench.rehearsal.interrupt(name)
