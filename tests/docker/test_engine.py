"""The real docker command, an engine's API as far as it is asked, and buildx, which notes how it is called."""

import shutil
import subprocess
from pathlib import Path

import pytest
from images.recipe import recipes

from tests.docker.test_commands import ROOT, run
from tests.docker.test_context import Engine, engine  # noqa: F401

BUILDX = """#!/bin/sh
if [ "$1" = docker-cli-plugin-metadata ]; then
  echo '{"SchemaVersion": "0.1.0", "Vendor": "tests", "Version": "1"}'
else
  echo "$*" >> "$RECORD"
fi
"""
BASE_IMAGE = "BASE_IMAGE=python:3.11"
"""No login for it is needed."""

pytestmark = pytest.mark.skipif(not shutil.which("docker"), reason="there is no docker command")


@pytest.fixture
def surroundings(engine: str, tmp_path: Path) -> dict[str, str]:  # noqa: F811
    plugin = tmp_path / "cli-plugins" / "docker-buildx"
    plugin.parent.mkdir()
    plugin.write_text(BUILDX)
    plugin.chmod(0o755)
    return {"DOCKER_HOST": engine, "DOCKER_CONFIG": str(tmp_path), "RECORD": str(tmp_path / "record")}


def build(surroundings: dict[str, str]) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Builds an experiment's image; gives also how buildx was asked to build."""
    record = Path(surroundings["RECORD"])
    record.unlink(missing_ok=True)
    ran = run("build", "--experiment", "license_mentions", "--build-arg", BASE_IMAGE, **surroundings)
    assert ran.returncode == 0, ran.stderr
    lines = record.read_text().splitlines()
    return ran, [line for line in lines if " build " in f" {line} " and "--tag" in line]


def test_an_image_that_the_engine_has_is_not_built_again_and_one_that_it_lacks_is(
    surroundings: dict[str, str],
) -> None:
    base, own = recipes(ROOT, "license_mentions", [BASE_IMAGE])
    names = [f"finetune:{base.tag}", f"finetune:{own.tag}"]
    ran, built = build(surroundings)
    assert [line.partition("--tag ")[2].split()[0] for line in built] == names and ran.stdout == f"{names[1]}\n"
    Engine.images = {names[0]}
    ran, built = build(surroundings)
    assert [line.partition("--tag ")[2].split()[0] for line in built] == names[1:]
    assert f"{names[0]} is built already: nothing that goes in has changed" in ran.stderr
    Engine.images = set(names)
    ran, built = build(surroundings)
    assert built == [] and ran.stdout == f"{names[1]}\n"
