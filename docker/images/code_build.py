"""Images built and pushed by AWS CodeBuild, where this machine has no docker engine."""

import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from images import aws, registry
from images.archive import archive
from images.buildspec import buildspec
from images.errors import ImageError
from images.follow import follow
from images.interrupt import Interrupt
from images.recipe import Recipe, pulled_image

FOLDER = "code-build"
MACHINE: dict[str, Any] = {
    "environmentTypeOverride": "LINUX_CONTAINER",
    # Has docker with buildx and the AWS CLI.
    "imageOverride": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    "imagePullCredentialsTypeOverride": "CODEBUILD",
    # 4 vCPU, 8 GiB, 128 GB of disk: the base is some 20 GB, and for a moment it is there twice.
    "computeTypeOverride": "BUILD_GENERAL1_MEDIUM",
    # A docker engine inside CodeBuild's container starts with these rights only:
    # https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html
    "privilegedModeOverride": True,
    "timeoutInMinutesOverride": 180,
}


def build_and_push(root: Path, repository: str, recipes: Sequence[Recipe], project: str, bucket: str) -> None:
    """Lets a CodeBuild project build and push those of the images that ECR lacks, and waits for it.

    Args:
        root: The project's folder, the build context.
        repository: Where the images go; its region is the build's.
        recipes: The images, in the order to build them.
        project: Name of the CodeBuild project; what it says of source, machine and commands is overridden.
        bucket: Where the context is put: `s3://<bucket>/code-build/<tag>.zip`.

    Raises:
        ImageError: There is no such project or bucket, AWS refuses, the build fails, or it was stopped.
    """
    target = registry.parse(repository)
    missing = [each for each in recipes if registry.digest(target, each.tag) is None]
    pulled = [image for each in missing if (image := pulled_image(root, each))]
    place = _upload(target.region, bucket, f"{FOLDER}/{recipes[-1].tag}.zip", archive(root, missing))
    client = aws.client("codebuild", target.region)
    print(f"CodeBuild project {project} builds {', '.join(each.tag for each in missing)}", file=sys.stderr)
    with Interrupt() as interrupt:  # before the start: Ctrl-C in that moment must not leave a build without us
        follow(client, _start(client, project, place, buildspec(repository, missing, pulled)), interrupt)


def _upload(region: str, bucket: str, key: str, content: bytes) -> str:
    """Gives the place as CodeBuild takes it."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        aws.client("s3", region).put_object(Bucket=bucket, Key=key, Body=content)
    except (ClientError, BotoCoreError) as error:
        raise ImageError(f"--bucket {bucket}: the build context cannot be written to {key}: {error}") from error
    return f"{bucket}/{key}"


def _start(client: Any, project: str, place: str, commands: str) -> dict[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError

    source = {"sourceTypeOverride": "S3", "sourceLocationOverride": place, "buildspecOverride": commands}
    output = {
        "artifactsOverride": {"type": "NO_ARTIFACTS"},
        "logsConfigOverride": {"cloudWatchLogs": {"status": "ENABLED"}},
    }
    try:
        # The token makes a request that is sent again, because its answer was lost, start no second build.
        token = uuid.uuid4().hex
        started = client.start_build(projectName=project, idempotencyToken=token, **source, **output, **MACHINE)
    except (ClientError, BotoCoreError) as error:
        raise ImageError(_refusal(client.meta.region_name, project, error)) from error
    return dict(started["build"])


def _refusal(region: str, project: str, error: Exception) -> str:
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    if code == "ResourceNotFoundException":
        return f"--code-build {project}: there is no such project in {region}; docker/README.md has the command for it"
    hint = "; the policy that is needed is stacks/iam/image-builder.json" if code == "AccessDeniedException" else ""
    return f"--code-build {project}: codebuild start_build in {region}: {error}{hint}"
