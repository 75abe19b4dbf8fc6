"""Which action of IAM a request means."""

import pytest

from rehearsal.calls import CLIENT, LOOKER_KEY, Calls, action_of, operation_of


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
    assert [(each["role"], each["action"], each["resource"], each["times"]) for each in calls.all()] == [
        ("arn:aws:iam::123456789012:role/r", "s3:GetObject", "arn:aws:s3:::b/k", 2),
        (CLIENT, "s3:GetObject", "arn:aws:s3:::b/k", 1),
    ]


def test_a_secret_that_is_read_is_known_by_its_arn() -> None:
    calls = Calls()
    signed = {
        "HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=me/20260101/eu-west-1/secretsmanager/aws4_request, ..."
    }
    asked = environ("POST", "/", HTTP_X_AMZ_TARGET="secretsmanager.GetSecretValue", **signed)
    calls.keep("me", "secretsmanager", asked, b'{"SecretId": "finetune/labels"}')
    (call,) = calls.all()
    assert call["action"] == "secretsmanager:GetSecretValue"
    assert call["resource"] == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:finetune/labels-??????"
