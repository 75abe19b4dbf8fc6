import socket
from typing import Any
from urllib.parse import urlsplit

import pytest


@pytest.fixture
def impatient(bench: Any) -> Any:
    """An S3 client that tries once."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=bench.rehearsal.endpoint,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="a",
        config=Config(retries={"max_attempts": 0}),
    )


def test_an_ailing_s3_says_so_for_a_while(bench: Any, impatient: Any) -> None:
    bench.rehearsal.limit(s3_unavailable=1)
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="SlowDown"):
        impatient.list_buckets()
    impatient.list_buckets()


def test_a_connection_is_cut(bench: Any, impatient: Any) -> None:
    bench.rehearsal.limit(s3_resets=1)
    with pytest.raises(Exception, match="[Cc]onnection"):
        impatient.list_buckets()
    impatient.list_buckets()


def test_a_job_rides_out_a_short_failure_of_s3(bench: Any) -> None:
    code = (
        "import boto3\n"
        f"boto3.client('s3').put_object(Bucket='{bench.bucket}', Key='ridden', Body=b'out')\n"
        "print('written')"
    )
    request = bench.training(code)
    bench.rehearsal.limit(s3_unavailable=2, s3_resets=1)
    bench.sagemaker.create_training_job(**request)
    bench.trained(request["TrainingJobName"])
    assert bench.lines(request["TrainingJobName"]) == ["written"]


@pytest.mark.parametrize(("service", "call"), [("sagemaker", "list_training_jobs"), ("sts", "get_caller_identity")])
def test_an_expired_token_is_refused(bench: Any, service: str, call: str) -> None:
    client = bench.rehearsal.client(service)
    bench.rehearsal.limit(expired_token=True)
    try:
        with pytest.raises(
            bench.sagemaker.exceptions.ClientError, match="security token included in the request is expired"
        ):
            getattr(client, call)()
        with pytest.raises(bench.sagemaker.exceptions.ClientError, match="ExpiredToken"):
            bench.s3.list_buckets()
    finally:
        bench.rehearsal.limit(expired_token=False)
    getattr(client, call)()


def test_an_unsigned_request_is_refused(bench: Any) -> None:
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    client = boto3.client(
        "sagemaker",
        endpoint_url=bench.rehearsal.endpoint,
        region_name="us-east-1",
        config=Config(signature_version=UNSIGNED),
    )
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="Missing Authentication Token"):
        client.list_training_jobs()


def test_an_unknown_limit_is_named(bench: Any) -> None:
    with pytest.raises(Exception, match="no limit is called colour; there are disk_mb"):
        bench.rehearsal.limit(colour="red")


def test_a_call_that_nobody_serves_is_named(bench: Any) -> None:
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="StopLabelingJob is served neither"):
        bench.sagemaker.stop_labeling_job(LabelingJobName="any")


def test_what_need_not_run_is_served_by_moto(bench: Any) -> None:
    group = bench.name("group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    listed = bench.sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    assert [each["ModelPackageGroupName"] for each in listed] == [group]


def test_a_request_whose_client_left_in_its_midst_is_none(bench: Any) -> None:
    address = urlsplit(bench.rehearsal.endpoint)
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(
            b"POST / HTTP/1.1\r\nHost: logs\r\nX-Amz-Target: Logs_20140328.GetLogEvents\r\nContent-Length: 100\r\n"
            b"Authorization: AWS4-HMAC-SHA256 Credential=LEFT/20260101/us-east-1/logs/aws4_request, x\r\n\r\n{"
        )
        client.shutdown(socket.SHUT_WR)
        assert b"IncompleteBody" in client.makefile("rb").read()
    assert [call for call in bench.rehearsal.calls() if call["key"] == "LEFT"] == []
