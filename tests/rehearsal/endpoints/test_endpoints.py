import io
import json
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal import Rehearsal
from rehearsal.fixture import skip_where_refused
from tests.rehearsal.serving import serving_rehearsal

# A program that serves what its model says: a greeting, or how to go wrong.
SERVE = """
word = open("/opt/ml/model/word").read()
print("serving", word, flush=True)
if word == "end":
    sys.exit("this model cannot be loaded")

class Handler(Answering):
    form = "text/plain"

    def do_GET(self):
        self.answer(500 if word == "ill" else 200, b"")

    def do_POST(self):
        body = self.asked()
        if body == b"bad":
            return self.answer(400, b"no such record")
        if body == b"die":
            os._exit(3)
        self.answer(200, f"{word} {body.decode()} {self.headers['Accept']} {os.environ.get('COLOUR')}".encode())

serve(Handler)
"""


class Stage:
    """Makes models and endpoints in a rehearsal."""

    def __init__(self, up: Rehearsal) -> None:
        self.up = up
        self.sagemaker, self.runtime, self.s3 = map(up.client, ("sagemaker", "sagemaker-runtime", "s3"))

    def model(self, word: str) -> str:
        body = io.BytesIO()
        with tarfile.open(fileobj=body, mode="w:gz") as tar:
            member = tarfile.TarInfo("word")
            member.size = len(word)
            tar.addfile(member, io.BytesIO(word.encode()))
        self.s3.put_object(Bucket=self.up.settings.bucket, Key=f"{word}/model.tar.gz", Body=body.getvalue())
        self.sagemaker.create_model(
            ModelName=word,
            ExecutionRoleArn=self.up.settings.role_arn,
            PrimaryContainer={
                "Image": "any",
                "ModelDataUrl": f"s3://{self.up.settings.bucket}/{word}/model.tar.gz",
                "Environment": {"COLOUR": "red"},
            },
        )
        return word

    def config(self, word: str, **members: Any) -> str:
        self.model(word)
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": word,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        }
        self.sagemaker.create_endpoint_config(EndpointConfigName=word, ProductionVariants=[variant], **members)
        return word

    def endpoint(self, word: str, **members: Any) -> str:
        self.config(word, **members)
        self.sagemaker.create_endpoint(EndpointName=word, EndpointConfigName=word)
        return word

    def settled(self, name: str) -> dict[str, Any]:
        ends = time.monotonic() + 60
        while True:
            found = dict(self.sagemaker.describe_endpoint(EndpointName=name))
            if found["EndpointStatus"] not in ("Creating", "Updating"):
                return found
            assert time.monotonic() < ends, found
            time.sleep(0.05)

    def invoke(self, name: str, body: bytes = b"you", **members: Any) -> str:
        found = self.runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType="text/plain", **members)
        assert found["ContentType"] == "text/plain" and found["InvokedProductionVariant"] == "AllTraffic"
        return bytes(found["Body"].read()).decode()

    def lines(self, name: str) -> list[str]:
        logs, group = self.up.client("logs"), f"/aws/sagemaker/Endpoints/{name}"
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        assert all(stream["logStreamName"].startswith("AllTraffic/i-") for stream in streams)
        return [
            event["message"]
            for stream in streams
            for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        ]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    skip_where_refused()
    with serving_rehearsal(tmp_path_factory.mktemp("endpoints"), SERVE, image="any", health_s=4.0) as up:
        made = Stage(up)
        made.endpoint("ill")  # takes its time to fail, while the others are looked at
        made.endpoint(
            "hello",
            DataCaptureConfig={
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": f"s3://{up.settings.bucket}/captured",
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            },
        )
        yield made


def refused(call: Any, code: str, **members: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**members)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value)


def test_an_endpoint_serves_its_model(stage: Stage) -> None:
    found = stage.settled("hello")
    assert found["EndpointStatus"] == "InService", stage.lines("hello")
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert stage.invoke("hello", Accept="text/html") == "hello you text/html red"
    assert stage.lines("hello") == ["serving hello"]


def test_what_is_asked_and_answered_is_captured(stage: Stage) -> None:
    stage.settled("hello")
    stage.invoke("hello", b"kept", InferenceId="mine")
    bucket = stage.up.settings.bucket
    keys = [
        each["Key"]
        for each in stage.s3.list_objects_v2(Bucket=bucket, Prefix="captured/hello/AllTraffic/20")["Contents"]
    ]
    lines = [json.loads(stage.s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
    [mine] = [line for line in lines if line["eventMetadata"].get("inferenceId") == "mine"]
    assert mine["captureData"]["endpointInput"]["data"] == "a2VwdA=="
    assert mine["captureData"]["endpointOutput"]["mode"] == "OUTPUT"


def test_what_the_model_refuses_is_a_model_error_with_its_status(stage: Stage) -> None:
    stage.settled("hello")
    with pytest.raises(stage.runtime.exceptions.ModelError) as caught:
        stage.invoke("hello", b"bad")
    answer = caught.value.response
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (400, "no such record")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert 'Received client error (400) from primary with message "no such record"' in str(caught.value)
    assert "/aws/sagemaker/Endpoints/hello" in answer["LogStreamArn"]


def test_a_request_that_is_too_large_is_refused(stage: Stage) -> None:
    stage.settled("hello")
    call = stage.runtime.invoke_endpoint
    assert "exceeded 6291456 bytes" in refused(call, "413", EndpointName="hello", Body=b"x" * 6_291_457)


def test_an_endpoint_that_is_not_there_is_not_found(stage: Stage) -> None:
    said = refused(stage.runtime.invoke_endpoint, "ValidationError", EndpointName="nobody", Body=b"x")
    assert "Endpoint nobody of account 123456789012 not found." in said
    assert "Could not find endpoint" in refused(
        stage.sagemaker.describe_endpoint, "ValidationException", EndpointName="nobody"
    )


def test_a_model_that_ends_fails_its_endpoint_and_its_last_lines_are_in_the_log(stage: Stage) -> None:
    found = stage.settled(stage.endpoint("end"))
    assert found["EndpointStatus"] == "Failed"
    assert "variant AllTraffic did not pass the ping health check" in found["FailureReason"]
    assert stage.lines("end") == ["serving end", "this model cannot be loaded"]


def test_a_model_that_never_gets_healthy_fails_its_endpoint(stage: Stage) -> None:
    found = stage.settled("ill")
    assert found["EndpointStatus"] == "Failed" and "ping health check" in found["FailureReason"]


def test_an_update_lets_another_model_take_over_and_one_that_fails_changes_nothing(stage: Stage) -> None:
    name = stage.endpoint("first")
    assert "in-progress" in refused(stage.sagemaker.delete_endpoint, "ValidationException", EndpointName=name)
    assert stage.settled(name)["EndpointStatus"] == "InService"
    stage.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=stage.config("second"))
    assert stage.settled(name)["EndpointConfigName"] == "second"
    assert stage.invoke(name).startswith("second you")
    stage.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName="end")
    found = stage.settled(name)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "second")
    assert "ping health check" in found["FailureReason"] and stage.invoke(name).startswith("second")


def test_a_deleted_endpoint_is_gone_with_its_container(stage: Stage) -> None:
    name = stage.endpoint("gone")
    stage.settled(name)
    stage.sagemaker.delete_endpoint(EndpointName=name)
    ends = time.monotonic() + 30
    while name in [each["EndpointName"] for each in stage.sagemaker.list_endpoints(MaxResults=100)["Endpoints"]]:
        assert time.monotonic() < ends
        time.sleep(0.05)
    stage.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    stage.sagemaker.delete_model(ModelName=name)
    assert "Could not find model" in refused(stage.sagemaker.describe_model, "ValidationException", ModelName=name)
    assert not list((stage.up.folder / "endpoints").glob("gone-*/*"))


def test_an_endpoint_whose_model_dies_answers_with_an_error_of_the_server(stage: Stage) -> None:
    name = stage.endpoint("dying")
    stage.settled(name)
    with pytest.raises(stage.runtime.exceptions.ModelError, match="Received server error \\(0\\)"):
        stage.invoke(name, b"die")


def test_what_the_service_refuses_is_refused(stage: Stage) -> None:
    create, role = stage.sagemaker.create_model, stage.up.settings.role_arn
    nowhere = {"Image": "any", "ModelDataUrl": f"s3://{stage.up.settings.bucket}/nothing/model.tar.gz"}
    for members, said in (
        ({"PrimaryContainer": nowhere}, "Could not access model data at s3://"),
        ({"PrimaryContainer": {"Image": "another"}}, "Requested image another not found"),
        ({"PrimaryContainer": {"Image": "any"}, "ModelName": "under_score"}, "modelName"),
        ({"Containers": [{"Image": "any"}]}, "Containers: the rehearsal serves"),
    ):
        assert said in refused(create, "ValidationException", **{"ModelName": "m", "ExecutionRoleArn": role} | members)
    stage.up.limit(quotas={"ml.m5.large for endpoint usage": 0})
    stage.config("unbought")
    said = refused(
        stage.sagemaker.create_endpoint, "ResourceLimitExceeded", EndpointName="unbought", EndpointConfigName="unbought"
    )
    stage.up.limit(quotas={})
    assert "'ml.m5.large for endpoint usage' is 0 Instances" in said


def test_autoscaling_takes_an_endpoint_as_its_target(stage: Stage) -> None:
    scaling = stage.up.client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/hello/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    scaling.put_scaling_policy(
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 100.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        },
        **target,
    )
    scaling.deregister_scalable_target(**target)


def test_the_calls_are_known_by_the_names_that_policies_have(stage: Stage) -> None:
    import boto3

    stage.settled("hello")
    client = boto3.client(
        "sagemaker-runtime",
        endpoint_url=stage.up.endpoint,
        region_name="us-east-1",
        aws_access_key_id="me",
        aws_secret_access_key="me",
    )
    client.invoke_endpoint(EndpointName="hello", Body=b"{not json")
    seen = {(each["action"], each["resource"]) for each in stage.up.calls()}
    assert ("sagemaker:InvokeEndpoint", "arn:aws:sagemaker:us-east-1:123456789012:endpoint/hello") in seen
