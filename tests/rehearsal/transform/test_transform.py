import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal import Rehearsal
from rehearsal.fixture import skip_where_refused
from tests.rehearsal.serving import serving_rehearsal

# Doubles the number of each record; `bad` is refused, and `slow` takes its time.
SERVE = """
class Handler(Answering):
    def do_POST(self):
        body = self.asked()
        print(len(body.splitlines()), "records", flush=True)
        values = [json.loads(line) for line in body.splitlines()]
        if "bad" in values:
            return self.answer(400, b"no number")
        if "slow" in values:
            time.sleep(0.5)
        told = {"batch": os.environ["SAGEMAKER_BATCH"], "colour": os.environ["COLOUR"]}
        self.answer(200, b"".join(json.dumps({"double": value * 2, **told}).encode() + b"\\n" for value in values))

serve(Handler)
"""
JOINED = {"InputFilter": "$.n", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}


class Stage:
    """Starts transform jobs in a rehearsal, and reads what they give."""

    def __init__(self, up: Rehearsal) -> None:
        self.up, self.bucket, self.count = up, up.settings.bucket, 0
        self.sagemaker, self.s3, self.logs = map(up.client, ("sagemaker", "s3", "logs"))
        role, container = up.settings.role_arn, {"Image": "any", "Environment": {"COLOUR": "red"}}
        self.sagemaker.create_model(ModelName="twice", ExecutionRoleArn=role, PrimaryContainer=container)

    def request(self, files: dict[str, list[Any]], processing: dict[str, str], **members: Any) -> dict[str, Any]:
        self.count += 1
        name = f"job-{self.count}"
        for file, records in files.items():
            body = "".join(json.dumps(record) + "\n" for record in records).encode()
            self.s3.put_object(Bucket=self.bucket, Key=f"{name}/in/{file}", Body=body)
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.bucket}/{name}/in/"}
        given = {"DataSource": {"S3DataSource": source}, "ContentType": "application/jsonlines", "SplitType": "Line"}
        request = {
            "TransformJobName": name,
            "ModelName": "twice",
            "TransformInput": given,
            "TransformOutput": {"S3OutputPath": f"s3://{self.bucket}/{name}/out", "AssembleWith": "Line"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            "DataProcessing": processing,
        }
        return request | members

    def start(self, files: dict[str, list[Any]], processing: dict[str, str] | None = None, **members: Any) -> str:
        request = self.request(files, processing or {}, **members)
        self.sagemaker.create_transform_job(**request)
        return str(request["TransformJobName"])

    def ended(self, name: str) -> dict[str, Any]:
        ends = time.monotonic() + 60
        while True:
            found = dict(self.sagemaker.describe_transform_job(TransformJobName=name))
            if found["TransformJobStatus"] not in ("InProgress", "Stopping"):
                return found
            assert time.monotonic() < ends, found
            time.sleep(0.05)

    def outputs(self, name: str) -> dict[str, list[Any]]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{name}/out/").get("Contents", [])
        keys = {each["Key"].removeprefix(f"{name}/out/"): each["Key"] for each in found}
        bodies = {file: self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for file, key in keys.items()}
        return {file: [json.loads(line) for line in body.splitlines()] for file, body in bodies.items()}

    def lines(self, name: str) -> list[str]:
        group = "/aws/sagemaker/TransformJobs"
        streams = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
        names = [stream["logStreamName"] for stream in streams]
        events = [self.logs.get_log_events(logGroupName=group, logStreamName=stream)["events"] for stream in names]
        return [event["message"] for some in events for event in some]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    skip_where_refused()
    with serving_rehearsal(tmp_path_factory.mktemp("transform"), SERVE, image="any") as up:
        yield Stage(up)


def test_every_object_gets_its_output_filtered_and_joined(stage: Stage) -> None:
    files = {"a.jsonl": [{"id": "x", "n": 1}, {"id": "y", "n": 2}], "below/b.jsonl": [{"id": "z", "n": "t"}]}
    name = stage.start(files, JOINED)
    job = stage.ended(name)
    assert job["TransformJobStatus"] == "Completed", stage.lines(name)
    told = {"batch": "true", "colour": "red"}
    assert stage.outputs(name) == {
        "a.jsonl.out": [
            {"id": "x", "SageMakerOutput": {"double": 2, **told}},
            {"id": "y", "SageMakerOutput": {"double": 4, **told}},
        ],
        "below/b.jsonl.out": [{"id": "z", "SageMakerOutput": {"double": "tt", **told}}],
    }
    assert sorted(stage.lines(name)) == ["1 records", "2 records"]
    assert name in [each["TransformJobName"] for each in stage.sagemaker.list_transform_jobs()["TransformJobSummaries"]]


def test_single_records_a_manifest_and_an_environment_of_its_own(stage: Stage) -> None:
    request = stage.request(
        {"a": [1, 2, 3], "b": [4]}, {}, BatchStrategy="SingleRecord", Environment={"COLOUR": "blue"}
    )
    name = request["TransformJobName"]
    manifest = [{"prefix": f"s3://{stage.bucket}/{name}/in/"}, "a"]
    stage.s3.put_object(Bucket=stage.bucket, Key=f"{name}/manifest", Body=json.dumps(manifest).encode())
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{stage.bucket}/{name}/manifest"}
    request["TransformInput"]["DataSource"]["S3DataSource"] = source
    stage.sagemaker.create_transform_job(**request)
    assert stage.ended(name)["TransformJobStatus"] == "Completed"
    [(file, answers)] = stage.outputs(name).items()
    assert file == "a.out" and [each["double"] for each in answers] == [2, 4, 6]
    assert {each["colour"] for each in answers} == {"blue"} and stage.lines(name) == ["1 records"] * 3


def test_an_object_with_a_refused_record_fails_the_job_and_the_others_are_done(stage: Stage) -> None:
    name = stage.start(
        {"good": [1], "ill": [2, "bad"]}, TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 2}
    )
    job = stage.ended(name)
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"] == "ClientError: See job logs for more information"
    assert list(stage.outputs(name)) == ["good.out"]
    assert any("Bad HTTP status received from algorithm: 400\nno number" in line for line in stage.lines(name))


def test_a_job_that_is_stopped_ends_stopped(stage: Stage) -> None:
    name = stage.start({f"{number}": ["slow"] for number in range(9)})
    stage.sagemaker.stop_transform_job(TransformJobName=name)
    assert stage.ended(name)["TransformJobStatus"] == "Stopped"
    assert len(stage.outputs(name)) < 9


def refused(stage: Stage, said: str, code: str = "ValidationException", **members: Any) -> None:
    with pytest.raises(ClientError) as caught:
        stage.start({"a": [1]}, members.pop("processing", None), **members)
    assert caught.value.response["Error"]["Code"] == code and said in str(caught.value)


def test_what_the_service_refuses_is_refused(stage: Stage) -> None:
    refused(stage, "Could not find model", ModelName="nobody")
    refused(stage, "must not be greater than 100 MB", MaxPayloadInMB=30, MaxConcurrentTransforms=4)
    refused(stage, "Invalid OutputFilter: must be a path such as", processing={"OutputFilter": "guid"})
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{stage.bucket}/nothing"}}}
    refused(stage, "No S3 objects found under S3 URL", TransformInput=source)
    refused(stage, "SplitType RecordIO", TransformInput=source | {"SplitType": "RecordIO"})
    stage.up.limit(quotas={"ml.m5.large for transform job usage": 0})
    refused(stage, "is 0 Instances", "ResourceLimitExceeded")
    stage.up.limit(quotas={})
