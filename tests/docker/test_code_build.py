import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from images import engine, registry
from images.code_build import FOLDER
from images.commands import builder, push
from images.errors import ImageError
from images.recipe import Recipe, pulled_image, recipes

from stacks.files import load_stack
from stacks.iam.render import render

ROOT = Path(__file__).resolve().parents[2]
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
REPOSITORY = f"{HOST}/finetune"
COMMAND = [sys.executable, str(ROOT / "docker" / "image.py"), "push", "--repository", REPOSITORY]
THERE = ["--code-build", "images", "--bucket", "my-team"]


def push_there(chosen: list[Recipe], project: str = "images", bucket: str = "my-team") -> str:
    return push(ROOT, REPOSITORY, chosen, builder("push", project, bucket))


def test_push_builds_there_and_prints_the_digest_that_ecr_has_with_stand_ins_for_docker_and_aws(
    code_build: Any,
) -> None:
    base, mine = recipes(ROOT, "license_mentions", [])
    ran = subprocess.run(
        [*COMMAND, *THERE, "--experiment", "license_mentions"], capture_output=True, text=True, env=os.environ
    )
    assert ran.returncode == 0, ran.stderr
    ecr = code_build.client("ecr").describe_images(repositoryName="finetune", imageIds=[{"imageTag": mine.tag}])
    assert ran.stdout == f"{REPOSITORY}@{ecr['imageDetails'][0]['imageDigest']}\n"
    assert f"CodeBuild project images builds {base.tag}, {mine.tag}" in ran.stderr
    assert "images:0: log at https://logs/0\n" in ran.stderr and "images:0: BUILD SUCCEEDED (2 s)\n" in ran.stderr
    docker = [call for call in code_build.recorded() if call[0] == "docker"]
    assert docker[2:] == [
        ["docker", *engine.build_command(REPOSITORY, base)],
        ["docker", "push", f"{REPOSITORY}:{base.tag}"],
        ["docker", *engine.build_command(REPOSITORY, mine)],
        ["docker", "push", f"{REPOSITORY}:{mine.tag}"],
    ]
    passwords = (code_build.folder / "record.passwords").read_text().split()
    assert passwords == ["password-of-eu-west-1", "password-of-us-east-1"]


def test_the_request_asks_for_a_machine_that_can_run_docker_and_keeps_nothing(code_build: Any) -> None:
    chosen = recipes(ROOT, None, [])
    push_there(chosen)
    (asked,) = code_build.starts
    assert asked["sourceTypeOverride"] == "S3"
    assert asked["sourceLocationOverride"] == f"my-team/code-build/{chosen[0].tag}.zip"
    assert asked["artifactsOverride"] == {"type": "NO_ARTIFACTS"}
    assert asked["privilegedModeOverride"] is True
    assert asked["imageOverride"].startswith("aws/codebuild/") and asked["timeoutInMinutesOverride"] == 180
    assert "password-of" not in json.dumps(asked)


def test_what_ecr_has_is_not_built_again(code_build: Any) -> None:
    base, mine = recipes(ROOT, "license_mentions", [])
    code_build.put_image(base.tag)
    digest = push_there([base, mine])
    assert [call[2] for call in code_build.recorded() if call[1] == "push"] == [f"{REPOSITORY}:{mine.tag}"]
    assert len([call for call in code_build.recorded() if call[1] == "login"]) == 1
    assert push_there([base, mine]) == digest and len(code_build.starts) == 1


def test_a_build_that_fails_says_phase_command_and_last_lines_of_its_log(code_build: Any) -> None:
    code_build.breaks = "docker push"
    with pytest.raises(ImageError) as caught:
        push_there(recipes(ROOT, None, []))
    text = str(caught.value)
    assert "build images:0 ended as FAILED in phase BUILD: Error while executing command: docker push" in text
    assert "\n  push: no space left on device\n" in text and text.endswith("https://logs/0")


def test_a_log_that_may_not_be_read_hides_no_failure(code_build: Any) -> None:
    code_build.breaks, code_build.refused = "docker login", {"GetLogEvents": "AccessDeniedException"}
    with pytest.raises(ImageError, match=r"ended as FAILED in phase PRE_BUILD(?s:.*)\(it cannot be read: .*Access"):
        push_there(recipes(ROOT, None, []))
    assert not [call for call in code_build.recorded() if call[1] == "buildx"]


def test_a_build_that_succeeds_without_an_image_in_ecr_is_an_error(code_build: Any) -> None:
    code_build.pushes = False
    with pytest.raises(ImageError, match="was pushed, but ECR does not list it"):
        push_there(recipes(ROOT, None, []))


def test_a_project_or_a_bucket_that_is_missing_is_named_and_starts_nothing(code_build: Any) -> None:
    chosen = recipes(ROOT, None, [])
    with pytest.raises(ImageError, match="--code-build none: there is no such project in eu-west-1; docker/README.md"):
        push_there(chosen, project="none")
    with pytest.raises(
        ImageError, match="--bucket none: the build context cannot be written to code-build/base-.*NoSuch"
    ):
        push_there(chosen, bucket="none")
    assert code_build.starts == []


def test_who_may_start_no_build_learns_which_policy_is_needed(code_build: Any) -> None:
    code_build.refused = {"StartBuild": "AccessDeniedException"}
    with pytest.raises(ImageError, match="AccessDenied.*stacks/iam/image-builder.json"):
        push_there(recipes(ROOT, None, []))


def test_an_answer_that_is_lost_starts_no_second_build(code_build: Any) -> None:
    code_build.lost_answers = 1
    push_there(recipes(ROOT, None, []))
    assert len(code_build.starts) == 2 and len(code_build.builds) == 1


def test_aws_that_no_longer_answers_leaves_the_command_that_ends_the_build(code_build: Any) -> None:
    code_build.refused = {"BatchGetBuilds": "ExpiredTokenException"}
    with pytest.raises(ImageError, match="ExpiredToken.*aws codebuild stop-build --id images:0 --region eu-west-1"):
        push_there(recipes(ROOT, None, []))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_stop_the_build_and_nothing_runs_on(code_build: Any, number: signal.Signals) -> None:
    code_build.lasts = "docker buildx"
    with subprocess.Popen([*COMMAND, *THERE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as ran:
        until = time.monotonic() + 300
        while not any(call[1] == "buildx" for call in code_build.recorded()) and time.monotonic() < until:
            time.sleep(0.05)
        assert code_build.running()
        ran.send_signal(number)
        out, told = ran.communicate(timeout=60)
    assert (ran.returncode, out) == (1, "")
    assert told.endswith("error: CodeBuild: build images:0 was stopped, and nothing of it runs any more\n")
    assert code_build.running() == []


def test_each_call_is_allowed_and_each_allowed_action_is_seen_or_taken_by_docker_and_s3(code_build: Any) -> None:
    values = load_stack("rehearsal").values
    assert values is not None
    code_build.breaks = "docker push"
    assert subprocess.run([*COMMAND, *THERE], capture_output=True).returncode == 1
    code_build.breaks, code_build.lasts = "", "docker buildx"
    with subprocess.Popen([*COMMAND, *THERE], stderr=subprocess.DEVNULL) as ran:
        while len(code_build.starts) < 2:
            time.sleep(0.05)
        ran.send_signal(signal.SIGINT)
    registry.password(registry.parse(REPOSITORY))
    allowed = {action for each in render("image-builder", values)["Statement"] for action in each["Action"]}
    on_behalf = json.loads((ROOT / "stacks/iam/on-behalf.json").read_text())
    assert code_build.actions == allowed - set(on_behalf["image-builder"])
    role = {action for each in render("code-build", values)["Statement"] for action in each["Action"]}
    assert role == set(on_behalf["code-build"])


def test_the_policies_allow_the_base_image_that_is_pulled_and_the_place_of_the_context() -> None:
    base = registry.repository_of(pulled_image(ROOT, recipes(ROOT, None, [])[0]))
    assert base is not None
    values = load_stack("rehearsal").values
    assert values is not None
    for policy in ("image-builder", "code-build"):
        found = json.dumps(render(policy, values))
        assert f"arn:aws:ecr:{base.region}:{base.account}:repository/{base.name}" in found
        assert f"arn:aws:s3:::{values.bucket}/{FOLDER}/*" in found


def test_the_command_of_the_readme_creates_a_project_that_builds(code_build: Any) -> None:
    page = (ROOT / "docker" / "README.md").read_text(encoding="utf-8")
    command = page[page.index("aws codebuild create-project") :].partition("\n\n")[0]
    command = command.replace("111122223333", "123456789012")
    aws = shlex.join([str(Path(sys.executable).parent / "aws"), "--region", "eu-west-1"])
    subprocess.run(["bash", "-c", f"{aws} {command.removeprefix('aws ')}"], check=True, capture_output=True)
    assert push_there(recipes(ROOT, None, []), project="finetune-images").startswith(f"{REPOSITORY}@sha256:")


def test_ctrl_c_while_the_build_is_being_started_stops_it_once_it_has_a_name(code_build: Any) -> None:
    code_build.lasts, code_build.slow_start_s = "docker buildx", 1.0
    with subprocess.Popen([*COMMAND, *THERE], stderr=subprocess.PIPE, text=True) as ran:
        assert code_build.starting.wait(60)
        ran.send_signal(signal.SIGINT)
        told = ran.communicate(timeout=60)[1]
    assert ran.returncode == 1 and "was stopped, and nothing of it runs any more" in told
    assert len(code_build.starts) == 1 and code_build.running() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["push", "--code-build", "images"], "--code-build images: add --bucket BUCKET"),
        (["push", "--bucket", "my-team"], "--bucket my-team: only CodeBuild uses it; add --code-build PROJECT"),
        (["tag", *THERE], "belong to push: CodeBuild keeps no image; but got tag"),
        (["build", *THERE], "belong to push: CodeBuild keeps no image; but got build"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: list[str], words: str) -> None:
    ran = subprocess.run([*COMMAND[:2], *arguments], capture_output=True, text=True)
    assert ran.returncode == 1 and ran.stderr.startswith("error: ") and words in ran.stderr
