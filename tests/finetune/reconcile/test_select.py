"""Every id is kept or dropped once, with a reason, whatever the order of its rows."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.reconcile.select import drop_duplicates, match, reason_kind

GUIDS = st.sampled_from([f"id{n}" for n in range(8)])
ROWS = st.lists(st.tuples(GUIDS, st.sampled_from(["a", "b", "", " ", None])), max_size=20)
NAMES = ["text.json", "page.png"]
FILES = st.dictionaries(GUIDS, st.sets(st.sampled_from([*NAMES, "other"])), max_size=8)
KINDS = {"no label", "no file", "duplicate", "conflicting labels"}


def one(rows: list[tuple[str, str | None]], files: set[str] | None) -> tuple[dict[str, str], dict[str, str]]:
    matched = match(rows, {} if files is None else {"x": files}, NAMES)
    return matched.kept, matched.dropped


@pytest.mark.parametrize(
    ("labels", "files", "reason"),
    [
        ([], set(NAMES), "no label"),
        ([], set(), "no label"),
        ([None], set(NAMES), "no label"),
        ([""], set(NAMES), "no label"),
        ([" "], None, "no label"),
        (["a", "b"], set(NAMES), "conflicting labels: a, b"),
        (["b", "a", "b", None], None, "conflicting labels: a, b"),
        (["a"], None, "no file: text.json, page.png"),
        (["a"], {"page.png"}, "no file: text.json"),
        (["a", "a"], {"text.json", "other"}, "no file: page.png"),
        (["a"], {*NAMES, "other"}, None),
        (["a", "a"], set(NAMES), None),
        ([None, "a", ""], set(NAMES), None),
    ],
)
def test_each_case_of_the_first_stage(labels: list[str | None], files: set[str] | None, reason: str | None) -> None:
    kept, dropped = one([("x", label) for label in labels], files)
    assert (kept, dropped) == (({"x": "a"}, {}) if reason is None else ({}, {"x": reason}))


@given(ROWS, FILES)
def test_every_id_of_either_side_is_kept_or_dropped_once(
    rows: list[tuple[str, str | None]], files: dict[str, set[str]]
) -> None:
    matched = match(rows, files, NAMES)
    assert set(matched.kept) | set(matched.dropped) == {guid for guid, _ in rows} | set(files)
    assert not set(matched.kept) & set(matched.dropped)
    assert {reason_kind(reason) for reason in matched.dropped.values()} <= KINDS


@given(ROWS, FILES)
def test_a_kept_id_has_its_label_and_its_files(rows: list[tuple[str, str | None]], files: dict[str, set[str]]) -> None:
    for guid, label in match(rows, files, NAMES).kept.items():
        assert {given for row, given in rows if row == guid and given and given.strip()} == {label}
        assert set(NAMES) <= files[guid]


@given(ROWS, FILES, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_files_changes_nothing(
    rows: list[tuple[str, str | None]], files: dict[str, set[str]], random: object
) -> None:
    shuffled, names = list(rows), list(files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(names)  # type: ignore[attr-defined]
    one_way, other_way = match(rows, files, NAMES), match(shuffled, {n: files[n] for n in names}, NAMES)
    assert one_way == other_way
    assert list(one_way.kept) == list(other_way.kept) == sorted(one_way.kept)
    assert list(one_way.dropped) == list(other_way.dropped) == sorted(one_way.dropped)


CONTENTS = st.dictionaries(GUIDS, st.tuples(st.sampled_from("abc"), st.sampled_from(["h1", "h2", "h3", "h4"])))


@given(CONTENTS)
def test_every_kept_id_stays_or_is_dropped_and_contents_are_unique(
    contents: dict[str, tuple[str, str]],
) -> None:
    labels = {guid: label for guid, (label, _) in contents.items()}
    hashes = {guid: content for guid, (_, content) in contents.items()}
    matched = drop_duplicates(labels, hashes)
    assert not set(matched.kept) & set(matched.dropped)
    assert set(matched.kept) | set(matched.dropped) == set(labels)
    assert all(label == labels[guid] for guid, label in matched.kept.items())
    assert max(Counter(hashes[guid] for guid in matched.kept).values(), default=1) == 1
    assert drop_duplicates(matched.kept, hashes).dropped == {}


@given(CONTENTS)
def test_a_reason_names_an_id_of_the_same_content(contents: dict[str, tuple[str, str]]) -> None:
    labels = {guid: label for guid, (label, _) in contents.items()}
    hashes = {guid: content for guid, (_, content) in contents.items()}
    matched = drop_duplicates(labels, hashes)
    for guid, reason in matched.dropped.items():
        other = reason.rpartition(" ")[2]
        assert hashes[other] == hashes[guid]
        if reason_kind(reason) == "duplicate":
            assert other in matched.kept and other < guid and labels[other] == labels[guid]
        else:
            assert labels[other] != labels[guid]


@given(CONTENTS, st.randoms(use_true_random=False))
def test_the_order_of_ids_changes_nothing(contents: dict[str, tuple[str, str]], random: object) -> None:
    labels = {guid: label for guid, (label, _) in contents.items()}
    hashes = {guid: content for guid, (_, content) in contents.items()}
    guids = list(labels)
    random.shuffle(guids)  # type: ignore[attr-defined]
    assert drop_duplicates({guid: labels[guid] for guid in guids}, hashes) == drop_duplicates(labels, hashes)


def test_each_case_of_the_second_stage() -> None:
    labels = {"d2": "a", "d1": "a", "d3": "a", "e1": "a", "e2": "b", "e3": "a", "f": "a"}
    hashes = {guid: guid[0] for guid in labels}
    matched = drop_duplicates(labels, hashes)
    assert matched.kept == {"d1": "a", "f": "a"}
    assert matched.dropped == {
        "d2": "duplicate of d1",
        "d3": "duplicate of d1",
        "e1": "conflicting labels: same content as e2",
        "e2": "conflicting labels: same content as e1",
        "e3": "conflicting labels: same content as e2",
    }


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("no label", "no label"),
        ("no file: raw_text.json", "no file"),
        ("duplicate of a:b", "duplicate"),
        ("conflicting labels: same content as x", "conflicting labels"),
    ],
)
def test_the_kind_of_a_reason(reason: str, kind: str) -> None:
    assert reason_kind(reason) == kind
