import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from images.errors import ImageError
from images.fingerprint import Ingredient, fingerprint
from images.recipe import declared, recipes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with the real Dockerfiles and .dockerignore."""
    (tmp_path / "docker").mkdir()
    for name in (".dockerignore", "requirements.txt", "docker/base.Dockerfile", "docker/experiment.Dockerfile"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "finetune").mkdir()
    (tmp_path / "finetune" / "errors.py").write_text("")
    (tmp_path / "experiments" / "mine").mkdir(parents=True)
    (tmp_path / "experiments" / "mine" / "functions.py").write_text("")
    return tmp_path


def tags(project: Path, *build_args: str) -> list[str]:
    return [recipe.tag for recipe in recipes(project, "mine", build_args)]


def test_a_tag_names_the_image_and_ends_in_a_hash(project: Path) -> None:
    base, mine = tags(project)
    assert re.fullmatch(r"base-[0-9a-f]{16}", base)
    assert re.fullmatch(r"mine-[0-9a-f]{16}", mine)


@pytest.mark.parametrize(
    "name",
    ["docker/base.Dockerfile", "requirements.txt", "finetune/errors.py", "experiments/mine/requirements.txt"],
)
def test_a_change_in_what_the_base_holds_changes_both_tags(project: Path, name: str) -> None:
    before = tags(project)
    with (project / name).open("a") as file:
        file.write("# a change\n")
    assert not set(before) & set(tags(project))


def test_a_new_file_a_new_name_and_the_executable_bit_change_the_tag(project: Path) -> None:
    seen = [tags(project)[0]]
    (project / "finetune" / "new.py").write_text("")
    seen.append(tags(project)[0])
    (project / "finetune" / "new.py").rename(project / "finetune" / "newer.py")
    seen.append(tags(project)[0])
    (project / "finetune" / "newer.py").chmod(0o755)
    seen.append(tags(project)[0])
    assert len(set(seen)) == 4


def test_the_experiments_dockerfile_changes_only_its_own_tag(project: Path) -> None:
    before = tags(project)
    with (project / "docker" / "experiment.Dockerfile").open("a") as file:
        file.write("# a change\n")
    after = tags(project)
    assert after[0] == before[0]
    assert after[1] != before[1]


@pytest.mark.parametrize(
    ("argument", "base_changes"),
    [("BASE_IMAGE=other:1", True), ("UV_TORCH_BACKEND=cu126", True), ("RUN_AS=finetune", False)],
)
def test_a_build_argument_changes_the_tags_of_the_images_that_take_it(
    project: Path, argument: str, base_changes: bool
) -> None:
    before, after = tags(project), tags(project, argument)
    assert (after[0] != before[0]) is base_changes
    assert after[1] != before[1]


def test_ignored_files_and_times_change_no_tag(project: Path) -> None:
    before = tags(project)
    (project / "README.md").write_text("new")
    (project / "configs").mkdir()
    (project / "configs" / "EXP-1.yaml").write_text("new")
    (project / "finetune" / "__pycache__").mkdir()
    (project / "finetune" / "__pycache__" / "errors.cpython-311.pyc").write_bytes(b"new")
    os.utime(project / "finetune" / "errors.py", (1, 1))
    assert tags(project) == before


def test_the_base_alone_needs_no_experiment(project: Path) -> None:
    assert [recipe.tag for recipe in recipes(project, None, [])] == tags(project)[:1]


@pytest.mark.parametrize(
    ("experiment", "argument", "words"),
    [
        ("yours", "BASE_IMAGE=a", "no such folder; known: mine"),
        ("mine", "COLOUR=red", "COLOUR: no Dockerfile takes it; known: BASE_IMAGE"),
        ("mine", "EXPERIMENT=yours", "EXPERIMENT: no Dockerfile takes it"),
        (None, "RUN_AS=finetune", "RUN_AS: no Dockerfile takes it"),
        ("mine", "BASE_IMAGE", "must be NAME=VALUE, but got 'BASE_IMAGE'"),
    ],
)
def test_what_cannot_be_built_is_refused(project: Path, experiment: str | None, argument: str, words: str) -> None:
    with pytest.raises(ImageError, match=re.escape(words)):
        recipes(project, experiment, [argument])


def test_arguments_are_read_with_their_defaults() -> None:
    assert declared("ARG A=1\nFROM ${A}\nARG A\nARG B\n# ARG C\n") == {"A": "1", "B": ""}


@given(
    st.dictionaries(st.text(min_size=1), st.builds(Ingredient, st.text(), st.booleans(), st.booleans())),
    st.dictionaries(st.text(min_size=1), st.text()),
)
def test_the_order_of_files_and_arguments_does_not_count(
    context: dict[str, Ingredient], arguments: dict[str, str]
) -> None:
    turned = fingerprint("", dict(reversed(arguments.items())), dict(reversed(context.items())))
    assert turned == fingerprint("", arguments, context)
