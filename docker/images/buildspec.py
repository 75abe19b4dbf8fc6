"""What AWS CodeBuild does in a build: the docker commands that a local engine would be given. Pure."""

import shlex
from collections.abc import Sequence

import yaml

from images import engine, registry
from images.recipe import Recipe


def buildspec(repository: str, recipes: Sequence[Recipe], pulled: Sequence[str]) -> str:
    """Gives the buildspec, YAML of version 0.2, that builds and pushes the images in their order.

    Args:
        repository: Where they go: ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME.
        recipes: The images that ECR lacks.
        pulled: Images that they are built over.
    """
    # A phase ends with its first command that fails, and without its logins no build begins.
    phases = {"pre_build": logins(repository, pulled), "build": builds(repository, recipes)}
    spec = {"version": 0.2, "phases": {name: {"commands": commands} for name, commands in phases.items()}}
    return str(yaml.safe_dump(spec, sort_keys=False, width=float("inf")))


def logins(repository: str, pulled: Sequence[str]) -> list[str]:
    """Gives a login for each ECR that is pushed to or pulled from; the password is CodeBuild's own, and never ours."""
    places = [registry.parse(repository), *filter(None, map(registry.repository_of, pulled))]
    regions = {place.host: place.region for place in places}
    passwords = {
        host: shlex.join(["aws", "ecr", "get-login-password", "--region", region]) for host, region in regions.items()
    }
    return [f"{password} | {_docker(engine.login_command(host))}" for host, password in passwords.items()]


def builds(repository: str, recipes: Sequence[Recipe]) -> list[str]:
    """Gives build and push of each image; the base is pushed, too, for the experiment's image that is built over it."""
    pairs = [
        (engine.build_command(repository, each), engine.push_command(f"{repository}:{each.tag}")) for each in recipes
    ]
    return [_docker(command) for pair in pairs for command in pair]


def _docker(arguments: Sequence[str]) -> str:
    return shlex.join(["docker", *arguments])
