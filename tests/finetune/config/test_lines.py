from collections.abc import Callable

import pytest

from finetune.config.lines import parse
from finetune.config.load import load_config
from finetune.config.located import Place, Problem, plain
from finetune.errors import ConfigError

Write = Callable[..., str]


def read(text: str) -> tuple[object, list[str]]:
    problems: list[Problem] = []
    tree = parse(text, lambda line: Place("f", line), problems)
    return None if tree is None else plain(tree), [str(problem) for problem in problems]


def test_a_duplicate_key_is_refused_with_both_lines(write: Write) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write("train:\n  seed: 1\n  epochs: 2\n  seed: x\n"))
    assert str(caught.value) == "x.yaml:10: train.seed: duplicate key; it stands at x.yaml:8 already: keep one"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [1\nc: 2\n", 3),
        ("a: 1\n\tb: 2\n", 2),
        ("a: 1\nb: \x01\n", 2),
        ("a: 1\n---\nb: 1\n", 2),
        ("a: *b\n", 1),
    ],
)
def test_text_that_is_not_yaml_is_placed(text: str, line: int) -> None:
    _, (problem,) = read(text)
    assert problem.startswith(f"f:{line}: not YAML: ")


@pytest.mark.parametrize(
    "value", ["!!python/object:os.system x", "!mine {a: 1}", "!!binary aGk=", "!!bool maybe", "0x_"]
)
def test_a_value_of_another_kind_is_refused(value: str) -> None:
    _, (problem,) = read(f"a: {value}\n")
    assert problem.startswith("f:1: ")


def test_keys_are_text_however_yaml_reads_them() -> None:
    assert read("{no: 1, 2: 2, null: 3}") == ({"no": 1, "2": 2, "null": 3}, [])


def test_anchors_and_merge_keys_work() -> None:
    assert read("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n") == (
        {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}},
        [],
    )


def test_an_anchor_that_holds_itself_is_refused() -> None:
    _, found = read("a: &a [*a, 1]\n")
    assert found == ["f:1: a.0: an anchor must not hold itself; remove the alias"]


def test_a_key_that_is_no_text_is_refused() -> None:
    assert read("? [a, b]\n: 1\n") == ({}, ["f:1: a key must be text, but got a mapping or a list"])
