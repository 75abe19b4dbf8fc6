"""Amazon ECR: what a repository holds, and the password for docker login."""

import base64
import re
from dataclasses import dataclass
from typing import Any

from images import aws
from images.errors import ImageError

HOST = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?")
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")


@dataclass(frozen=True)
class Repository:
    """An ECR repository, taken from its address."""

    host: str
    account: str
    region: str
    name: str


def parse(address: str) -> Repository:
    """Splits `<account>.dkr.ecr.<region>.amazonaws.com/<name>`.

    Raises:
        ImageError: It is no such address.
    """
    host, _, name = address.partition("/")
    match = HOST.fullmatch(host)
    if not match or not name or ":" in name:
        raise ImageError(f"--repository must be ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME, but got {address!r}")
    return Repository(host, match["account"], match["region"], name)


def repository_of(image: str) -> Repository | None:
    """Gives the ECR repository of an image, named by tag, digest, both or neither; none where it is no ECR's.

    Pulling from any account's ECR needs a login, also where everybody may.
    """
    host, _, name = image.partition("/")
    return parse(f"{host}/{re.split('[:@]', name)[0]}") if HOST.fullmatch(host) else None


def digest(repository: Repository, tag: str) -> str | None:
    """Gives the digest `sha256:...` of a tag, or none where the repository has no such tag.

    Raises:
        ImageError: There is no such repository, AWS refuses, or the tag is an image index.
    """
    found = _call(repository, "describe_images", repositoryName=repository.name, imageIds=[{"imageTag": tag}])
    if found is None:
        return None
    image = found["imageDetails"][0]
    if image.get("imageManifestMediaType") in INDEXES:
        raise ImageError(
            f"{repository.name}:{tag} is an image index, and SageMaker takes single images; delete the tag"
        )
    return str(image["imageDigest"])


def password(repository: Repository) -> str:
    """Gives the password for docker login, valid for 12 hours."""
    token = _call(repository, "get_authorization_token")["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(token).decode().partition(":")[2]


def _call(repository: Repository, operation: str, **arguments: Any) -> Any:
    """Answers none where the image is missing; every other refusal of AWS becomes an ImageError."""
    from botocore.exceptions import BotoCoreError, ClientError

    if "imageIds" in arguments:
        arguments["registryId"] = repository.account
    try:
        return getattr(aws.client("ecr", repository.region), operation)(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ImageNotFoundException":
            return None
        raise ImageError(_refusal(repository, operation, code, str(error))) from error
    except BotoCoreError as error:
        raise ImageError(f"ecr {operation} in {repository.region}: {error}") from error


def _refusal(repository: Repository, operation: str, code: str, text: str) -> str:
    if code != "RepositoryNotFoundException":
        return f"ecr {operation} for {repository.name} in {repository.region}: {text}"
    return (
        f"account {repository.account} has no ECR repository {repository.name} in {repository.region}; create it with: "
        f"aws ecr create-repository --repository-name {repository.name} --region {repository.region} "
        "--image-tag-mutability IMMUTABLE --image-scanning-configuration scanOnPush=true"
    )
