"""The policy files: whole, explained, and filled in from a stack file."""

import json
import re
from pathlib import Path

import pytest

from stacks.files import load_stack
from stacks.iam.render import FOLDER, PLACEHOLDER, POLICIES, ROLES, render
from stacks.values import Values


@pytest.fixture
def values() -> Values:
    found = load_stack("rehearsal").values
    assert found is not None
    return found


@pytest.mark.parametrize("policy", ROLES)
def test_each_statement_has_its_reason_in_the_readme(policy: str) -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {policy}.json")[2].partition("\n## ")[0]
    explained = re.findall(r"^\| (\w+) \| \S.+\|$", section, re.MULTILINE)[1:]
    statements = json.loads((FOLDER / f"{policy}.json").read_text(encoding="utf-8"))["Statement"]
    assert explained == [each["Sid"] for each in statements]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_whole_stack_file_fills_in_every_statement(policy: str, values: Values) -> None:
    there = json.loads((FOLDER / f"{policy}.json").read_text(encoding="utf-8"))["Statement"]
    filled = render(policy, values)["Statement"]
    assert len(filled) == len(there) and not PLACEHOLDER.search(json.dumps(filled))


def test_a_stack_without_key_network_secrets_schedules_and_code_build_leaves_their_statements_out(
    values: Values,
) -> None:
    nothing = ("kms_key", "scheduler_role", "secrets", "code_build_project")
    gone = {"subnets": [], "security_groups": [], **dict.fromkeys(nothing)}
    bare = values.model_copy(update=gone)
    kept = [each["Sid"] for policy in ROLES for each in render(policy, bare)["Statement"]]
    left_out = {"UseKey", "GiveVolumesTheKey", "JoinVpc", "ReadSecrets", "Schedule", "GiveSchedulesTheirRole"}
    left_out |= {
        "CheckSchedulersRole",
        "UploadContext",
        "EncryptContext",
        "BuildOnCodeBuild",
        "ReadBuildLog",
        "DecryptContext",
        "WriteBuildLog",
    }
    assert not left_out & set(kept)


@pytest.mark.parametrize("policy", ROLES)
def test_no_action_is_a_pattern_and_what_aws_does_itself_names_its_page(policy: str) -> None:
    statements = json.loads((FOLDER / f"{policy}.json").read_text(encoding="utf-8"))["Statement"]
    actions = {action for each in statements for action in each["Action"]}
    pages = json.loads((Path(FOLDER) / "on-behalf.json").read_text(encoding="utf-8"))[policy]
    assert not any("*" in action for action in actions) and pages.keys() <= actions
    assert all(page.startswith("https://docs.aws.amazon.com/") for page in pages.values())
