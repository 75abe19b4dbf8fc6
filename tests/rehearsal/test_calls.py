"""Which action of IAM a request means."""

import json

import pytest

from rehearsal.calls import CLIENT, LOOKER_KEY, Calls, action_of, operation_of
from rehearsal.resources import resource_of


def environ(method: str, path: str, query: str = "", **headers: str) -> dict[str, str]:
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, **headers}


@pytest.mark.parametrize(
    ("method", "path", "query", "operation", "action"),
    [
        ("GET", "/b", "list-type=2&prefix=x", "ListObjectsV2", "s3:ListBucket"),
        ("HEAD", "/b", "", "HeadBucket", "s3:ListBucket"),
        ("GET", "/b/a/c", "", "GetObject", "s3:GetObject"),
        ("HEAD", "/b/k", "", "HeadObject", "s3:GetObject"),
        ("PUT", "/b/k", "", "PutObject", "s3:PutObject"),
        ("PUT", "/b/k", "partNumber=1&uploadId=2", "UploadPart", "s3:PutObject"),
        ("POST", "/b/k", "uploads", "CreateMultipartUpload", "s3:PutObject"),
        ("POST", "/b/k", "uploadId=1", "CompleteMultipartUpload", "s3:PutObject"),
        ("DELETE", "/b/k", "uploadId=1", "AbortMultipartUpload", "s3:AbortMultipartUpload"),
        ("DELETE", "/b/k", "", "DeleteObject", "s3:DeleteObject"),
        ("POST", "/b", "delete", "DeleteObjects", "s3:DeleteObject"),
        ("GET", "/b", "location", "GetBucketLocation", "s3:GetBucketLocation"),
    ],
)
def test_a_request_to_s3_is_known_by_method_path_and_query(
    method: str, path: str, query: str, operation: str, action: str
) -> None:
    assert operation_of("s3", environ(method, path, query), b"") == operation
    assert action_of("s3", operation) == action


def test_the_other_protocols_name_their_operation() -> None:
    target = environ("POST", "/", HTTP_X_AMZ_TARGET="SageMaker.CreatePipeline")
    form = environ("POST", "/", CONTENT_TYPE="application/x-www-form-urlencoded; charset=utf-8")
    assert operation_of("sagemaker", target, b"{}") == "CreatePipeline"
    assert operation_of("iam", form, b"Action=GetRole&RoleName=a") == "GetRole"
    assert operation_of("scheduler", environ("POST", "/schedules/x"), b"") == "CreateSchedule"
    assert action_of("monitoring", "PutMetricData") == "cloudwatch:PutMetricData"


def test_calls_are_counted_by_role_and_those_of_who_looks_on_are_not() -> None:
    calls = Calls()
    calls.know("JOB", "arn:aws:iam::123456789012:role/r")
    for key in ("JOB", "JOB", "me", LOOKER_KEY):
        calls.keep(key, "s3", environ("GET", "/b/k"), b"")
    calls.keep(None, None, environ("GET", "/health"), b"")
    assert [tuple(each.values()) for each in calls.all()] == [
        ("arn:aws:iam::123456789012:role/r", "", "s3:GetObject", "arn:aws:s3:::b/k", 2),
        (CLIENT, "me", "s3:GetObject", "arn:aws:s3:::b/k", 1),
    ]


ARN = "arn:aws:sagemaker:eu-west-1:123456789012"


@pytest.mark.parametrize(
    ("service", "target", "asked", "resource"),
    [
        ("sagemaker", "SageMaker.CreateTrainingJob", {"TrainingJobName": "a"}, f"{ARN}:training-job/a"),
        ("sagemaker", "SageMaker.StopProcessingJob", {"ProcessingJobName": "a"}, f"{ARN}:processing-job/a"),
        (
            "sagemaker",
            "SageMaker.StopHyperParameterTuningJob",
            {"HyperParameterTuningJobName": "a"},
            f"{ARN}:hyper-parameter-tuning-job/a",
        ),
        ("sagemaker", "SageMaker.CreatePipeline", {"PipelineName": "a", "RoleArn": "r"}, f"{ARN}:pipeline/a"),
        ("sagemaker", "SageMaker.AddTags", {"ResourceArn": f"{ARN}:pipeline/a"}, f"{ARN}:pipeline/a"),
        (
            "sagemaker",
            "SageMaker.ListPipelineExecutionSteps",
            {"PipelineExecutionArn": f"{ARN}:pipeline/a/execution/b"},
            f"{ARN}:pipeline/a/execution/b",
        ),
        ("sagemaker", "SageMaker.ListTrainingJobs", {"NameContains": "a"}, "*"),
        (
            "logs",
            "Logs_20140328.GetLogEvents",
            {"logGroupName": "/aws/a", "logStreamName": "b/c"},
            "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/a:log-stream:b/c",
        ),
        (
            "logs",
            "Logs_20140328.DescribeLogStreams",
            {"logGroupName": "/aws/a"},
            "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/a",
        ),
        (
            "ecr",
            "AmazonEC2ContainerRegistry_V20150921.DescribeImages",
            {"repositoryName": "a"},
            "arn:aws:ecr:eu-west-1:123456789012:repository/a",
        ),
        ("ecr", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", {}, "*"),
        (
            "secretsmanager",
            "secretsmanager.GetSecretValue",
            {"SecretId": "finetune/labels"},
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:finetune/labels-??????",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_a_resource_is_known_by_its_arn(service: str, target: str, asked: dict[str, str], resource: str) -> None:
    calls = Calls()
    signed = {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=me/20260101/eu-west-1/{service}/aws4_request, ..."}
    calls.keep("me", service, environ("POST", "/", HTTP_X_AMZ_TARGET=target, **signed), json.dumps(asked).encode())
    (call,) = calls.all()
    assert (call["action"], call["resource"]) == (f"{service}:{target.rpartition('.')[2]}", resource)


def test_the_keys_of_many_deleted_objects_are_told_by_their_beginning() -> None:
    body = b"<Delete><Object><Key>a/x&amp;1</Key></Object><Object><Key>a/x&amp;2</Key></Object></Delete>"
    assert resource_of("s3", environ("POST", "/b", "delete"), body) == "arn:aws:s3:::b/a/x&*"


def test_roles_and_schedules_are_known_by_their_arns() -> None:
    form = environ("POST", "/", CONTENT_TYPE="application/x-www-form-urlencoded")
    assert resource_of("iam", form, b"Action=GetRole&RoleName=a") == "arn:aws:iam::123456789012:role/a"
    signed = {"HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=me/20260101/eu-west-1/scheduler/aws4_request, ..."}
    start = "arn:aws:scheduler:eu-west-1:123456789012:schedule"
    assert resource_of("scheduler", environ("POST", "/schedules/a", **signed), b"{}") == f"{start}/default/a"
    deleted = environ("DELETE", "/schedules/a", "groupName=b", **signed)
    assert resource_of("scheduler", deleted, b"") == f"{start}/b/a"
    assert resource_of("scheduler", environ("GET", "/schedules", **signed), b"") == "*"
