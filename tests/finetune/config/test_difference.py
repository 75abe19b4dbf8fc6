import copy
import json
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from finetune.config.difference import differing_keys

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text("xyz", max_size=3)
KEYS = st.sampled_from("abcd")
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
CONFIGS = st.dictionaries(KEYS, VALUES, max_size=4)


def test_only_the_keys_that_differ_are_named() -> None:
    a = {"train": {"epochs": 3, "seed": 1, "padding": {"x": 0}}, "root": "outputs", "model": {}}
    b = {"train": {"epochs": 3.0, "seed": 2, "padding": {"x": 0, "y": 1}}, "root": None, "model": {"k": [1]}}
    assert differing_keys(a, b) == ["model.k", "root", "train.padding.y", "train.seed"]


def test_a_boolean_is_no_number_at_any_depth() -> None:
    assert differing_keys({"a": 1, "b": [0], "c": [{"d": True}]}, {"a": True, "b": [False], "c": [{"d": 1}]}) == [
        "a",
        "b",
        "c",
    ]


@given(CONFIGS)
def test_a_config_that_was_saved_and_read_again_does_not_differ(config: dict[str, Any]) -> None:
    assert differing_keys(config, json.loads(json.dumps(config))) == []


@given(CONFIGS, CONFIGS)
def test_both_directions_name_the_same_keys(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert differing_keys(a, b) == differing_keys(b, a)


@given(CONFIGS, st.lists(KEYS, min_size=1, max_size=3), SCALARS, SCALARS)
def test_one_changed_value_is_the_one_named(config: dict[str, Any], path: list[str], old: Any, new: Any) -> None:
    assume(differing_keys({"x": old}, {"x": new}))
    a, b = copy.deepcopy(config), copy.deepcopy(config)
    for tree, value in ((a, old), (b, new)):
        for key in path[:-1]:
            tree[key] = tree[key] if isinstance(tree.get(key), dict) else {}
            tree = tree[key]
        tree[path[-1]] = value
    assert differing_keys(a, b) == [".".join(path)]
