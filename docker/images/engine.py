"""The docker command: the only door to a docker engine."""

import subprocess
import sys
from pathlib import Path

from images.errors import ImageError
from images.recipe import Recipe

PLATFORM = "linux/amd64"


def require_engine() -> None:
    """Refuses to go on where images cannot be built.

    Raises:
        ImageError: There is no docker command, no engine answers it, or it lacks buildx.
    """
    engine = _docker("version", "--format", "{{.Server.Version}}")
    if engine.returncode:
        raise ImageError(f"no docker engine answers: {_last_line(engine)}; start one, or set DOCKER_HOST to one")
    if _docker("buildx", "version").returncode:
        raise ImageError("docker has no buildx, which the Dockerfiles' mounts need: install docker-buildx-plugin")


def is_built(reference: str) -> bool:
    """Tells whether the engine has the image."""
    return _docker("image", "inspect", reference).returncode == 0


def build_command(repository: str, recipe: Recipe) -> list[str]:
    """Gives the docker arguments that build one image. Pure.

    Attestations are off: they turn the image into an index, and SageMaker starts no job from an index.
    """
    arguments = dict(recipe.arguments)
    if recipe.base_tag:
        arguments["BASE"] = f"{repository}:{recipe.base_tag}"
    settings = [text for key in sorted(arguments) for text in ("--build-arg", f"{key}={arguments[key]}")]
    output = ["--load", "--provenance=false", "--sbom=false"]
    names = ["--file", recipe.dockerfile, "--tag", f"{repository}:{recipe.tag}"]
    return ["buildx", "build", "--platform", PLATFORM, *output, *names, *settings, "."]


def build(root: Path, repository: str, recipe: Recipe) -> None:
    """Builds one image; docker's progress goes to the terminal."""
    _docker_aloud(*build_command(repository, recipe), cwd=root)


def push_command(reference: str) -> list[str]:
    """Gives the docker arguments that push one image. Pure."""
    return ["push", reference]


def push(reference: str) -> None:
    """Pushes one image to its registry."""
    _docker_aloud(*push_command(reference))


def login_command(registry: str) -> list[str]:
    """Gives the docker arguments that log in to an ECR registry with a password on stdin. Pure."""
    return ["login", "--username", "AWS", "--password-stdin", registry]


def login(registry: str, password: str) -> None:
    """Logs in to an ECR registry; the password goes through stdin, so that no process list shows it."""
    done = _docker(*login_command(registry), text=password)
    if done.returncode:
        raise ImageError(f"docker login {registry} failed: {_last_line(done)}")


def _docker(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["docker", *arguments], input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ImageError("there is no docker command on this machine: images are built where docker is") from error


def _docker_aloud(*arguments: str, cwd: Path | None = None) -> None:
    """Keeps stdout free for the command's own answer: docker's goes to stderr."""
    done = subprocess.run(["docker", *arguments], cwd=cwd, stdout=sys.stderr, check=False)
    if done.returncode:
        raise ImageError(f"docker {arguments[0]} failed with exit code {done.returncode}; its output stands above")


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip() or "no reason given").splitlines()[-1]
