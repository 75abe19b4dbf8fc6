"""What the service checks before it accepts a transform job, beyond the shape of the request."""

from typing import Any

from finetune.errors import TransformError
from finetune.transform.paths import parsed
from rehearsal.account import Account
from rehearsal.errors import ServiceError
from rehearsal.jobs.checks import check_data
from rehearsal.models import Models

Request = dict[str, Any]
MOST_MB, MOST_TOGETHER_MB = 100, 100


def check_transform(account: Account, models: Models, region: str, request: Request) -> None:
    """Checks model, inputs, sizes and filters.

    Raises:
        ServiceError: As AWS answers, or the request asks for what is not rehearsed.
    """
    role = models.described(request["ModelName"])["ExecutionRoleArn"]
    given, source = request["TransformInput"], request["TransformInput"]["DataSource"]["S3DataSource"]
    kinds = {"SplitType": ("None", "Line"), "CompressionType": ("None",)}
    for member, known in kinds.items():
        if given.get(member, "None") not in known:
            raise _refused(f"{member} {given[member]}: the rehearsal knows {', '.join(known)}")
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise _refused(f"S3DataType {source['S3DataType']}: the rehearsal knows S3Prefix and ManifestFile")
    if request.get("DataCaptureConfig"):
        raise _refused("DataCaptureConfig: the rehearsal captures the data of endpoints only")
    _check_sizes(request)
    _check_processing(request)
    check_data(account, region, source["S3Uri"], role)


def _check_sizes(request: Request) -> None:
    megabytes, at_once = request.get("MaxPayloadInMB", 6), request.get("MaxConcurrentTransforms") or 1
    if megabytes > MOST_MB or megabytes * at_once > MOST_TOGETHER_MB:
        raise _refused(
            f"MaxPayloadInMB {megabytes} times MaxConcurrentTransforms {at_once} must not be greater than "
            f"{MOST_TOGETHER_MB} MB."
        )


def _check_processing(request: Request) -> None:
    processing = request.get("DataProcessing") or {}
    for name in ("InputFilter", "OutputFilter"):
        try:
            parsed(processing.get(name) or "$")
        except TransformError as error:
            raise _refused(f"Invalid {name}: {error}") from error
    if processing.get("JoinSource", "None") == "Input" and (
        request["TransformInput"].get("SplitType", "None") != request["TransformOutput"].get("AssembleWith", "None")
    ):
        raise _refused("SplitType must match AssembleWith to join the input with the output.")
    if processing and not request["TransformInput"].get("ContentType", "").startswith("application/json"):
        raise _refused("DataProcessing: the rehearsal filters and joins JSON and JSON Lines, by their ContentType")


def _refused(text: str) -> ServiceError:
    return ServiceError("ValidationException", text)
