from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from finetune.config.located import Located, Place, plain
from finetune.config.merge import merge, nest

LEAVES = st.none() | st.booleans() | st.integers() | st.text("xyz", max_size=3) | st.lists(st.integers(), max_size=2)
KEYS = st.sampled_from("abc")
TREES = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6),
    max_size=3,
)


def located(value: Any, source: str) -> Located:
    if isinstance(value, dict):
        return Located({key: located(child, source) for key, child in value.items()}, Place(source))
    if isinstance(value, list):
        return Located([located(child, source) for child in value], Place(source))
    return Located(value, Place(source))


def merged(below: Any, above: Any) -> Any:
    return plain(merge(located(below, "below"), located(above, "above")))


def leaves(tree: Located, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Located]:
    if isinstance(tree.value, dict) and tree.value:
        return {place: leaf for key, child in tree.value.items() for place, leaf in leaves(child, (*path, key)).items()}
    return {path: tree}


@given(TREES)
def test_nothing_laid_over_or_under_changes_nothing(tree: Any) -> None:
    assert merged(tree, {}) == tree == merged({}, tree) == merged(tree, tree)


@given(TREES, TREES, TREES)
def test_a_chain_may_be_merged_from_either_end_where_shapes_agree(a: Any, b: Any, c: Any) -> None:
    # A scalar between two mappings cuts off the lower one, so the keys that only mappings share are compared.
    flat = [{key: value for key, value in tree.items() if not isinstance(value, dict)} for tree in (a, b, c)]
    assert merged(merged(flat[0], flat[1]), flat[2]) == merged(flat[0], merged(flat[1], flat[2]))


@given(TREES, TREES)
def test_every_leaf_of_above_wins_and_keeps_its_place(below: Any, above: Any) -> None:
    result = leaves(merge(located(below, "below"), located(above, "above")))
    for path, leaf in leaves(located(above, "above")).items():
        if leaf.value != {}:
            assert result[path] == leaf


@given(TREES, TREES)
def test_what_above_does_not_mention_stays(below: Any, above: Any) -> None:
    result = merged(below, above)
    assert result.keys() == below.keys() | above.keys()
    assert all(result[key] == below[key] for key in below.keys() - above.keys())


@given(st.lists(KEYS, min_size=1, max_size=4), LEAVES)
def test_a_nested_value_lies_at_its_path(path: list[str], value: Any) -> None:
    place = Place("--set")
    assert list(leaves(nest(tuple(path), located(value, "--set"), place))) == [tuple(path)]
