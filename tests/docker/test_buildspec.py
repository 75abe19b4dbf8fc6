import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from images import engine
from images.buildspec import buildspec
from images.recipe import Recipe, pulled_image, recipes

ROOT = Path(__file__).resolve().parents[2]
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
REPOSITORY = f"{HOST}/finetune"
AWS_HOST = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
RECORDER = """#!/bin/sh
call=$(printf '%s\\037' "${0##*/}" "$@")
printf '%s\\036' "$call" >> "$RECORD"
"""
ARGUMENTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


def commands(chosen: Sequence[Recipe], pulled: Sequence[str] = ()) -> list[str]:
    spec = yaml.safe_load(buildspec(REPOSITORY, chosen, pulled))
    assert list(spec) == ["version", "phases"] and spec["version"] == 0.2
    assert list(spec["phases"]) == ["pre_build", "build"]
    return [command for phase in spec["phases"].values() for command in phase["commands"]]


def test_base_and_experiment_are_built_and_pushed_in_order_by_the_local_engines_commands() -> None:
    base, mine = recipes(ROOT, "license_mentions", ["UV_TORCH_BACKEND=cu126"])
    found = [shlex.split(command) for command in commands([base, mine], [pulled_image(ROOT, base)])]
    assert found[2:] == [
        ["docker", *engine.build_command(REPOSITORY, base)],
        ["docker", *engine.push_command(f"{REPOSITORY}:{base.tag}")],
        ["docker", *engine.build_command(REPOSITORY, mine)],
        ["docker", *engine.push_command(f"{REPOSITORY}:{mine.tag}")],
    ]


def test_each_registry_is_logged_in_to_once_before_anything_is_built() -> None:
    base, mine = recipes(ROOT, "license_mentions", [])
    login = "aws ecr get-login-password --region {} | docker login --username AWS --password-stdin {}"
    expected = [login.format("eu-west-1", HOST), login.format("us-east-1", AWS_HOST)]
    assert commands([base, mine], [pulled_image(ROOT, base)])[:2] == expected
    assert commands([mine])[:-2] == expected[:1]
    assert commands([base], ["ubuntu:22.04", f"{HOST}/other@sha256:{'0' * 64}"])[:-2] == expected[:1]


@pytest.fixture
def recorders(tmp_path: Path) -> Path:
    for name in ("docker", "aws"):
        (tmp_path / name).write_text(RECORDER)
        (tmp_path / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_commands_run_in_order_and_whole_with_stand_ins_for_docker_and_aws(shell: str, recorders: Path) -> None:
    odd = "UV_PYTHON_INSTALL_MIRROR=https://mirror/$(id)?a='b c'&d=\"e\" ; # `x` * \\ é"
    base, mine = recipes(ROOT, "license_mentions", [odd, "RUN_AS=finetune"])
    surroundings = {"PATH": f"{recorders}{os.pathsep}{os.environ['PATH']}", "RECORD": str(recorders / "record")}
    for command in commands([base, mine]):
        subprocess.run([shell, "-c", command], env=surroundings, cwd=recorders, check=True)
    calls = [call.split("\037")[:-1] for call in (recorders / "record").read_text().split("\036")[:-1]]
    assert sorted(calls[:2]) == [
        ["aws", "ecr", "get-login-password", "--region", "eu-west-1"],
        ["docker", *engine.login_command(HOST)],
    ]
    assert calls[2:] == [
        ["docker", *engine.build_command(REPOSITORY, base)],
        ["docker", "push", f"{REPOSITORY}:{base.tag}"],
        ["docker", *engine.build_command(REPOSITORY, mine)],
        ["docker", "push", f"{REPOSITORY}:{mine.tag}"],
    ]
    assert odd in calls[2]


@given(st.dictionaries(st.from_regex(r"\A[A-Z_]+\Z"), ARGUMENTS))
def test_no_value_of_a_build_argument_breaks_out_of_its_command_or_of_the_yaml(arguments: dict[str, str]) -> None:
    recipe = Recipe("docker/base.Dockerfile", "base-1", arguments)
    assert shlex.split(commands([recipe])[1]) == ["docker", *engine.build_command(REPOSITORY, recipe)]
