"""A stack's image by its digest: its jobs run exactly that, even if the tag moves, and their run records it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stacks.checks.finding import AWSError
from stacks.files import Stack


def image_of(uri: str) -> tuple[str, dict[str, str]]:
    """Repository, and tag or digest as ECR's calls name it."""
    name = uri.partition("/")[2]
    if "@" in name:
        repository, _, digest = name.partition("@")
        return repository, {"imageDigest": digest}
    repository, _, tag = name.partition(":")
    return repository, {"imageTag": tag}


def pinned(stack: Stack, ecr: Callable[[], Any]) -> Stack:
    """The stack with its image by digest; as it is where ECR does not tell, since the jobs' start then says why.

    Args:
        stack: The stack; one of this machine has no image.
        ecr: Gives a boto3 client.
    """
    if stack.values is None:
        return stack
    repository, identity = image_of(stack.values.image)
    if "imageDigest" in identity:
        return stack
    try:
        found = ecr().describe_images(
            registryId=stack.values.image.partition(".")[0], repositoryName=repository, imageIds=[identity]
        )
    except AWSError:
        return stack
    image = f"{stack.values.registry}/{repository}@{found['imageDetails'][0]['imageDigest']}"
    return replace(stack, values=stack.values.model_copy(update={"image": image}))
