from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from finetune.errors import PrepareError
from finetune.prepare.alike import groups
from finetune.prepare.watched import Guarded, Noted

KEYS = "abc"
VALUES = st.one_of(st.integers(0, 1), st.booleans(), st.none(), st.just(1.0), st.lists(st.integers(0, 1), max_size=1))
SECTIONS = st.dictionaries(st.sampled_from("xyzuv"), st.dictionaries(st.sampled_from(KEYS), VALUES), min_size=1)
TREES: Any = st.recursive(
    st.just(()),
    lambda below: st.tuples(st.sampled_from(KEYS), st.dictionaries(st.sampled_from(["0", "1", "true"]), below)),
    max_leaves=6,
)
"""What encode_data does: reads a key, and by what it finds there goes on, until it is done."""


def encode(tree: Any, model: Any) -> list[Any]:
    found = []
    while tree:
        key, branches = tree
        found.append((key, repr(model.get(key, "absent"))))
        tree = branches.get(found[-1][1].lower(), ())
    return found


def reads(tree: Any, section: dict[str, Any]) -> frozenset[str] | None:
    noted = Noted(section)
    encode(tree, noted)
    return noted.read


@given(SECTIONS, TREES)
def test_models_that_share_a_dataset_are_encoded_as_each_alone_would_be(sections: Any, tree: Any) -> None:
    for group in groups(sections, {name: reads(tree, section) for name, section in sections.items()}):
        shared = encode(tree, Guarded(group.section, group.differing))
        assert all(encode(tree, sections[name]) == shared for name in group.models)


@given(SECTIONS, TREES)
def test_models_that_are_encoded_otherwise_do_not_share_one(sections: Any, tree: Any) -> None:
    found = groups(sections, {name: reads(tree, section) for name, section in sections.items()})
    assert len(found) >= len({repr(encode(tree, section)) for section in sections.values()})


@given(SECTIONS, st.data())
def test_each_model_is_in_one_group_and_each_key_agreed_or_refused(sections: Any, data: Any) -> None:
    known = st.one_of(st.none(), st.frozensets(st.sampled_from(KEYS)))
    found = groups(sections, {name: data.draw(known) for name in sections})
    assert sorted(name for group in found for name in group.models) == sorted(sections)
    assert [name for name in sections if name in [group.models[0] for group in found]] == [g.models[0] for g in found]
    for group in found:
        keys = {key for name in group.models for key in sections[name]}
        assert group.section.keys() | group.differing.keys() == keys
        assert not group.section.keys() & group.differing.keys()
        assert all(
            repr(sections[name][key]) == repr(group.section[key]) for name in group.models for key in group.section
        )


@given(SECTIONS, st.sampled_from(KEYS))
def test_whatever_is_read_later_is_never_one_models_alone(sections: Any, key: str) -> None:
    for group in groups(sections, dict.fromkeys(sections, frozenset())):
        own = {repr(sections[name].get(key, "absent")) for name in group.models}
        try:
            assert own == {repr(Guarded(group.section, group.differing).get(key, "absent"))}
        except PrepareError:
            assert len(own) > 1


def test_models_that_were_not_tried_share_only_with_their_equals() -> None:
    sections = {"x": {"a": 1}, "y": {"a": 1}, "z": {"a": 1, "b": 2}}
    assert [group.models for group in groups(sections, {})] == [["x", "y"], ["z"]]
