"""What tag, build and push do; each gives the one line that it prints."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from images import code_build, engine, registry
from images.errors import ImageError
from images.recipe import Recipe, pulled_image

Builder = Callable[[Path, str, Sequence[Recipe]], None]
"""Builds the images and pushes the last one."""


def tag(root: Path, repository: str, recipes: Sequence[Recipe]) -> str:
    """Gives the name of the last image, `<repository>:<tag>`; reads files only."""
    return f"{repository}:{recipes[-1].tag}"


def build(root: Path, repository: str, recipes: Sequence[Recipe]) -> str:
    """Builds what the engine does not have yet and gives the name of the last image."""
    engine.require_engine()
    for recipe in recipes:
        name = f"{repository}:{recipe.tag}"
        if engine.is_built(name):
            print(f"{name} is built already: nothing that goes in has changed", file=sys.stderr)
            continue
        _login_to_pull(root, recipe)
        engine.build(root, repository, recipe)
    return tag(root, repository, recipes)


def by_engine(root: Path, repository: str, recipes: Sequence[Recipe]) -> None:
    """Builds on this machine's docker engine what it does not have yet, and pushes the last image."""
    target = registry.parse(repository)
    build(root, repository, recipes)
    engine.login(target.host, registry.password(target))
    engine.push(tag(root, repository, recipes))


def builder(command: str, project: str | None, bucket: str | None) -> Builder:
    """Gives what builds for push: this machine's engine or, where a CodeBuild project is named, AWS.

    Raises:
        ImageError: Project or bucket stands without the other, or with a command that uses neither.
    """
    if project is None and bucket is None:
        return by_engine
    if command != "push":
        raise ImageError(f"--code-build and --bucket belong to push: CodeBuild keeps no image; but got {command}")
    if project is None:
        raise ImageError(f"--bucket {bucket}: only CodeBuild uses it; add --code-build PROJECT, or leave it out")
    if bucket is None:
        raise ImageError(f"--code-build {project}: add --bucket BUCKET, from which CodeBuild takes the build context")
    return partial(code_build.build_and_push, project=project, bucket=bucket)


def push(root: Path, repository: str, recipes: Sequence[Recipe], build_and_push: Builder = by_engine) -> str:
    """Has the last image built and pushed if ECR lacks it, and gives `<repository>@sha256:...`."""
    target, wanted = registry.parse(repository), recipes[-1].tag
    digest = registry.digest(target, wanted)
    if digest is None:
        build_and_push(root, repository, recipes)
        digest = registry.digest(target, wanted)
    if digest is None:
        raise ImageError(f"{repository}:{wanted} was pushed, but ECR does not list it; push it once more")
    return f"{repository}@{digest}"


def _login_to_pull(root: Path, recipe: Recipe) -> None:
    """AWS's own containers lie in an ECR too; any account may pull them, but none without a login."""
    if source := registry.repository_of(pulled_image(root, recipe)):
        engine.login(source.host, registry.password(source))
