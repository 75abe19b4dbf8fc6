import os
from collections.abc import Callable
from pathlib import Path

import pytest

from finetune.config.load import load_config
from finetune.errors import ConfigError

Write = Callable[..., str]


def failure(path: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def test_files_are_laid_over_those_that_they_extend(write: Write) -> None:
    write(
        "train: {epochs: 1, seed: 1, padding: {a: 1}}\nprepare: {ignored_labels: [a, b]}\n",
        "shared/base.yaml",
    )
    write("extends: base.yaml\ntrain: {seed: 2, padding: {b: 2}}\n", "shared/middle.yaml", start="")
    config = load_config(
        write("extends: shared/middle.yaml\ntrain: {epochs: 5}\nprepare: {ignored_labels: [c]}\n", start="")
    )
    assert (config.train.epochs, config.train.seed, config.train.padding) == (5, 2, {"a": 1, "b": 2})
    assert config.prepare.ignored_labels == ["c"]


def test_a_problem_is_placed_in_the_file_in_which_the_value_stands(write: Write) -> None:
    write("train:\n  seed: x\n", "shared/base.yaml")
    path = write("# top\nextends: shared/base.yaml\ntrain:\n  epochs: y\n", start="")
    assert failure(path).split("\n") == [
        "shared/base.yaml:8: train.seed: must be a valid integer, but got 'x'",
        "x.yaml:4: train.epochs: must be a valid number, but got 'y'",
    ]


def test_a_cycle_is_refused(write: Write) -> None:
    write("extends: x.yaml\n", "b.yaml", start="")
    path = write("\nextends: b.yaml\n", start="")
    assert failure(path) == "b.yaml:1: extends: must not form a cycle, but got x.yaml -> b.yaml -> x.yaml"


def test_a_missing_base_is_blamed_on_the_line_that_names_it(write: Write) -> None:
    assert failure(write("\nextends: gone.yaml\n", start="")) == (
        "x.yaml:2: extends: the file gone.yaml does not exist; check the path"
    )


@pytest.mark.parametrize("name", ["[a]", "3", "''", "null"])
def test_extends_takes_one_path(write: Write, name: str) -> None:
    assert failure(write(f"extends: {name}\n", start="")).startswith("x.yaml:1: extends: must be the path")


def test_a_missing_file_and_a_folder_are_refused(write: Write, tmp_path: Path) -> None:
    write()
    assert failure("gone.yaml") == "gone.yaml: the file gone.yaml does not exist; check the path"
    assert failure(str(tmp_path)).endswith("is a folder")


NOBODY = 65534


def as_a_user(work: Callable[[], str]) -> str:
    """What work gives; where the tests run as root, who may read every file, a child without privileges does it."""
    if os.geteuid() != 0:
        return work()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(write, work().encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


def test_an_unreadable_file_is_refused(write: Write, tmp_path: Path) -> None:
    path = write()
    tmp_path.chmod(0o755)
    assert as_a_user(lambda: load_config(path).functions) == "small"
    Path(path).chmod(0)
    assert as_a_user(lambda: failure(path)) == f"{path}: the file {path} cannot be read: permission denied"


def test_text_that_is_not_utf8_is_placed(write: Write) -> None:
    Path(write()).write_bytes(b"a: 1\nb: \xff\n")
    assert failure("x.yaml") == "x.yaml:2: must be UTF-8 text; save it as UTF-8"


def test_a_byte_order_mark_is_harmless(write: Write) -> None:
    path = Path(write())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_config(path).functions == "small"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file_is_refused(write: Write, text: str) -> None:
    assert failure(write(text, start="")).startswith("x.yaml: must not be empty")


@pytest.mark.parametrize("text", ["- a\n", "word\n"])
def test_a_file_without_a_mapping_is_refused(write: Write, text: str) -> None:
    assert failure(write(text, start="")).startswith("x.yaml: must hold a mapping")
