"""Which resource a request names, by the ARN that an IAM policy gives it; `*` where it names none."""

import json
import re
from html import unescape
from os.path import commonprefix
from urllib.parse import parse_qs, unquote

from rehearsal.feature_store.paths import groups_in
from rehearsal.settings import ACCOUNT
from rehearsal.wire import Environ

REGION = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")
KEY = re.compile("<Key>([^<]*)</Key>")
# The member of a request to SageMaker that names a resource, and how that resource's ARN goes on.
SAGEMAKER = {
    "PipelineExecutionArn": "",
    "ResourceArn": "",
    "PipelineName": "pipeline/",
    "TrainingJobName": "training-job/",
    "FeatureGroupName": "feature-group/",
    "ProcessingJobName": "processing-job/",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job/",
    "TransformJobName": "transform-job/",
    "EndpointName": "endpoint/",
    "EndpointConfigName": "endpoint-config/",
    "ModelName": "model/",
    "ModelPackageArn": "",
    "ModelPackageName": "model-package/",
    "ModelPackageGroupName": "model-package-group/",
}


def resource_of(service: str, environ: Environ, body: bytes) -> str:
    """The resource; the region of its ARN is part of what was signed."""
    if service == "s3":
        return f"arn:aws:s3:::{unquote(environ.get('PATH_INFO', '')).strip('/')}{_many(environ, body)}"
    found = REGION.search(environ.get("HTTP_AUTHORIZATION", ""))
    region = "" if service == "iam" else found[1] if found else "*"
    named = _named(service, environ, body)
    return named if named == "*" or named.startswith("arn:") else f"arn:aws:{service}:{region}:{ACCOUNT}:{named}"


def _many(environ: Environ, body: bytes) -> str:
    """What a request names beside its path: DeleteObjects has keys in its body, here their common beginning."""
    if environ.get("REQUEST_METHOD") != "POST" or "delete" not in parse_qs(environ.get("QUERY_STRING", ""), True):
        return ""
    return f"/{commonprefix([unescape(key) for key in KEY.findall(body.decode(errors='replace'))])}*"


def _named(service: str, environ: Environ, body: bytes) -> str:
    """What stands after the account in the ARN, or the whole ARN."""
    if service == "iam":
        role = parse_qs(body.decode(errors="replace")).get("RoleName")
        return f"role/{role[0]}" if role else "*"
    if service == "scheduler":
        return _schedule(environ, body)
    if service == "sagemaker" and (stored := groups_in(environ.get("PATH_INFO", ""), body)):
        return stored
    invoked = re.fullmatch("/endpoints/([^/]+)/invocations", environ.get("PATH_INFO", ""))
    if service == "sagemaker" and invoked:
        return f"endpoint/{invoked[1]}"
    asked = json.loads(body) if body[:1] == b"{" else {}
    if service == "sagemaker":
        told = [(start, str(asked[member])) for member, start in SAGEMAKER.items() if member in asked]
        named = [name if name.startswith("arn:") else start + name for start, name in told]
        return named[0] if named else "*"
    if service == "ecr" and "repositoryName" in asked:
        return f"repository/{asked['repositoryName']}"
    if service == "logs" and "logGroupName" in asked:
        stream = f":log-stream:{asked['logStreamName']}" if "logStreamName" in asked else ""
        return f"log-group:{asked['logGroupName']}{stream}"
    if service == "secretsmanager" and "SecretId" in asked:
        # AWS adds six characters of its own to the name.
        return f"secret:{asked['SecretId']}-??????"
    return "*"


def _schedule(environ: Environ, body: bytes) -> str:
    name = unquote(environ.get("PATH_INFO", "")).partition("/schedules/")[2]
    query = parse_qs(environ.get("QUERY_STRING", "")).get("groupName")
    group = query[0] if query else json.loads(body or b"{}").get("GroupName", "default")
    return f"schedule/{group}/{name}" if name else "*"
