"""What tag, build and push do; each gives the one line that it prints."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from images import engine, registry
from images.errors import ImageError
from images.recipe import Recipe, declared


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


def push(root: Path, repository: str, recipes: Sequence[Recipe]) -> str:
    """Pushes the last image if ECR lacks it, built first where needed, and gives `<repository>@sha256:...`."""
    target, wanted = registry.parse(repository), recipes[-1].tag
    digest = registry.digest(target, wanted)
    if digest is None:
        build(root, repository, recipes)
        engine.login(target.host, registry.password(target))
        engine.push(f"{repository}:{wanted}")
        digest = registry.digest(target, wanted)
    if digest is None:
        raise ImageError(f"docker pushed {repository}:{wanted}, but ECR does not list it; push it once more")
    return f"{repository}@{digest}"


def _login_to_pull(root: Path, recipe: Recipe) -> None:
    """AWS's own containers lie in an ECR too; any account may pull them, but none without a login."""
    defaults = declared((root / recipe.dockerfile).read_text(encoding="utf-8"))
    image = recipe.arguments.get("BASE_IMAGE", defaults.get("BASE_IMAGE", ""))
    if registry.is_ecr(image):
        source = registry.parse(image.partition("@")[0].rpartition(":")[0] or image)
        engine.login(source.host, registry.password(source))


COMMANDS: dict[str, Callable[[Path, str, Sequence[Recipe]], str]] = {"tag": tag, "build": build, "push": push}
