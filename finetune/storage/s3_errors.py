"""Turns what S3 answers into errors that name operation, source, destination and cause, and say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from finetune.errors import StorageError
from finetune.storage.failures import CorruptError, ObjectError

ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
CHANGED = frozenset({"PreconditionFailed", "412"})
CONFLICT = frozenset({"ConditionalRequestConflict", "409", "OperationAborted"})
_SIGN_IN = "sign in again, for instance with `aws sso login`, and start again: what is done already stays"
_ADVICE = {
    "NoSuchBucket": "the bucket does not exist; correct its name in the config or stack file, or create it",
    "NoSuchKey": "it is not there; correct the address, or put it there",
    "AccessDenied": "access is denied: the bucket belongs to another account, or your role lacks this right; look who "
    "you are with `aws sts get-caller-identity`, and at the bucket's and the role's policy",
    "ExpiredToken": f"the AWS credentials have expired; {_SIGN_IN}",
    "InvalidAccessKeyId": f"AWS does not know the access key; {_SIGN_IN}",
    "PermanentRedirect": "the bucket lies in another region; set AWS_REGION to the bucket's region",
    "PreconditionFailed": "it changed since it was listed; start the run again",
    "BadRequest": "S3 refused the request without a reason, most often because of expired credentials or a wrong "
    "region; look with `aws sts get-caller-identity` and at AWS_REGION",
}
_OTHER_CONTENT = (
    "the file changed, or the hash that the database or the listing tells is not its own (a listing tells none of an "
    "object that a KMS key encrypts among others that none does: name its column in production.labels.hash)"
)
_SAME = {
    "404": "NoSuchKey",
    "NotFound": "NoSuchKey",
    "403": "AccessDenied",
    "Forbidden": "AccessDenied",
    "AllAccessDisabled": "AccessDenied",
    "AccountProblem": "AccessDenied",
    "ExpiredTokenException": "ExpiredToken",
    "TokenRefreshRequired": "ExpiredToken",
    "RequestExpired": "ExpiredToken",
    "InvalidToken": "InvalidAccessKeyId",
    "SignatureDoesNotMatch": "InvalidAccessKeyId",
    "301": "PermanentRedirect",
    "AuthorizationHeaderMalformed": "PermanentRedirect",
    "IllegalLocationConstraintException": "PermanentRedirect",
    "412": "PreconditionFailed",
    "400": "BadRequest",
}
_OF_ONE_OBJECT = frozenset({"NoSuchKey", "AccessDenied", "PreconditionFailed"})
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, ProfileNotFound, SSOError, TokenRetrievalError)


@contextmanager
def s3_errors(operation: str, source: object, destination: object = None) -> Iterator[None]:
    """Raises a StorageError in place of what botocore raises; an ObjectError where S3 refused this object alone."""
    doing = f"{operation} {source}" + (f" -> {destination}" if destination is not None else "")
    try:
        yield
    except _NO_CREDENTIALS as error:
        raise StorageError(
            f"{doing}: there are no AWS credentials ({error}); sign in with `aws sso login` or `aws configure`, set "
            f"AWS_PROFILE, or run where a role is attached"
        ) from error
    except ClientError as error:
        if _SAME.get(code_of(error), code_of(error)) in _OF_ONE_OBJECT:
            raise ObjectError(operation, source, destination, _advice(error)) from error
        raise StorageError(f"{doing}: {_advice(error)}") from error
    except CorruptError as error:
        raise ObjectError(operation, source, destination, f"{error}; {_OTHER_CONTENT}") from error
    except BotoCoreError as error:
        raise StorageError(f"{doing}: {error}; check the network and AWS_REGION, and start again") from error


def code_of(error: ClientError) -> str:
    """The error code that S3 gave; for a HEAD request, which has no body, the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", "?"))


def _advice(error: ClientError) -> str:
    code, words = code_of(error), error.response.get("Error", {}).get("Message", "")
    advice = _ADVICE.get(_SAME.get(code, code))
    region = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amz-bucket-region")
    where = f" (the bucket is in {region})" if region else ""
    return f"{advice}{where} ({code})" if advice else f"{words} ({code}); start again: what is done already stays"
