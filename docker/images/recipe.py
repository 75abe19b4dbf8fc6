"""What is built, in which order: the base, then an experiment's image over it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from images.context import context
from images.errors import ImageError
from images.fingerprint import fingerprint

BASE = "docker/base.Dockerfile"
EXPERIMENT = "docker/experiment.Dockerfile"
SET_BY_US = {"BASE", "EXPERIMENT"}
ARGUMENT = re.compile(r"^ARG (\w+)(?:=(.*))?$", re.MULTILINE)


@dataclass(frozen=True)
class Recipe:
    """One image: its Dockerfile, the build arguments it takes, and the tag that follows from all that goes in."""

    dockerfile: str
    tag: str
    arguments: dict[str, str]
    base_tag: str | None = None
    """Tag of the image it is built over, in the same repository; none for the base itself."""


def recipes(root: Path, experiment: str | None, build_args: Sequence[str]) -> list[Recipe]:
    """Gives the base's recipe and, where an experiment is named, that of its image: in the order to build them.

    Raises:
        ImageError: The experiment has no folder, or a build argument is none that these Dockerfiles take.
    """
    given = _parse(build_args)
    files = [BASE] if experiment is None else [BASE, EXPERIMENT]
    texts = {path: (root / path).read_text(encoding="utf-8") for path in files}
    _refuse_unknown(given, set().union(*map(declared, texts.values())) - SET_BY_US)
    arguments = {path: {key: given[key] for key in declared(text) if key in given} for path, text in texts.items()}
    base = Recipe(BASE, f"base-{fingerprint(texts[BASE], arguments[BASE], context(root))}", arguments[BASE])
    if experiment is None:
        return [base]
    _refuse_missing(root, experiment)
    own = {**arguments[EXPERIMENT], "EXPERIMENT": experiment}
    # The base's tag stands for the files: the experiment's image copies none itself.
    tag = f"{experiment}-{fingerprint(texts[EXPERIMENT], {**own, 'BASE': base.tag}, {})}"
    return [base, Recipe(EXPERIMENT, tag, own, base.tag)]


def declared(dockerfile: str) -> dict[str, str]:
    """Gives the build arguments that a Dockerfile takes, each with its default; empty where it has none."""
    found: dict[str, str] = {}
    for name, default in ARGUMENT.findall(dockerfile):
        found.setdefault(name, default)
    return found


def pulled_image(root: Path, recipe: Recipe) -> str:
    """Gives the image that a recipe takes as BASE_IMAGE; empty where it is built over one of ours."""
    defaults = declared((root / recipe.dockerfile).read_text(encoding="utf-8"))
    return recipe.arguments.get("BASE_IMAGE", defaults.get("BASE_IMAGE", ""))


def _parse(build_args: Sequence[str]) -> dict[str, str]:
    wrong = [text for text in build_args if not re.match(r"\w+=.", text)]
    if wrong:
        raise ImageError(f"--build-arg must be NAME=VALUE, but got {wrong[0]!r}")
    return dict(text.split("=", 1) for text in build_args)


def _refuse_unknown(given: dict[str, str], known: set[str]) -> None:
    if unknown := sorted(given.keys() - known):
        raise ImageError(f"--build-arg {unknown[0]}: no Dockerfile takes it; known: {', '.join(sorted(known))}")


def _refuse_missing(root: Path, experiment: str) -> None:
    known = sorted(path.parent.name for path in (root / "experiments").glob("*/functions.py"))
    if experiment not in known:
        raise ImageError(f"--experiment {experiment}: experiments/ has no such folder; known: {', '.join(known)}")
