"""Splits are stratified, fixed for test, shuffled by the seed for the rest, and never cut a group."""

from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from finetune.errors import PrepareError
from finetune.prepare.split import SPLITS, assign_splits

Ids = dict[str, str]

SHARES = st.tuples(st.floats(0.01, 0.6), st.floats(0.01, 0.39))
SEEDS = st.integers(0, 2**32)


def split(ids: Ids, groups: dict[str, str | None] | None = None, **changes: float) -> dict[str, str]:
    settings = {"validation": 0.1, "test": 0.2, "seed": 42} | changes
    values = None if groups is None else [groups[guid] for guid in ids]
    splits = assign_splits(list(ids), list(ids.values()), groups=values, **settings)  # type: ignore[arg-type]
    return dict(zip(ids, splits, strict=True))


def members(splits: dict[str, str], name: str) -> set[str]:
    return {guid for guid, split_name in splits.items() if split_name == name}


@st.composite
def labelled_ids(draw: st.DrawFn) -> Ids:
    sizes = draw(st.lists(st.integers(3, 40), min_size=2, max_size=5))
    prefix = draw(st.text(max_size=3))
    return {f"{prefix}{label}-{n}": f"label{label}" for label, size in enumerate(sizes) for n in range(size)}


@st.composite
def grouped_ids(draw: st.DrawFn) -> tuple[Ids, dict[str, str | None]]:
    ids = draw(labelled_ids())
    values = st.sampled_from([None, "", *(f"g{n}" for n in range(draw(st.integers(3, 25))))])
    drawn = draw(st.lists(values, min_size=len(ids), max_size=len(ids)))
    return ids, dict(zip(ids, drawn, strict=True))


def split_or_skip(ids: Ids, groups: dict[str, str | None], **changes: float) -> dict[str, str]:
    try:
        return split(ids, groups, **changes)
    except PrepareError:
        assume(False)
        raise


@given(labelled_ids(), SHARES, SEEDS)
def test_counts_of_each_label_are_its_rounded_shares(ids: Ids, shares: tuple[float, float], seed: int) -> None:
    test, validation = shares
    splits = split(ids, test=test, validation=validation, seed=seed)
    sizes = Counter(ids.values())
    counts = Counter((ids[guid], name) for guid, name in splits.items())
    for label, size in sizes.items():
        assert all(counts[label, name] >= 1 for name in SPLITS)
        assert abs(counts[label, "test"] - test * size) <= 0.5 + 1e-9 or counts[label, "test"] in (
            1,
            size - 2,
        )
        free = size - counts[label, "test"] - 1
        near = abs(counts[label, "validation"] - validation * size) <= 0.5 + 1e-9
        assert near or counts[label, "validation"] in (1, free)


def test_round_numbers_are_split_exactly() -> None:
    ids = {f"a{n}": "a" for n in range(100)} | {f"b{n}": "b" for n in range(50)}
    counts = Counter((ids[guid], name) for guid, name in split(ids).items())
    assert [counts["a", name] for name in SPLITS] == [70, 10, 20]
    assert [counts["b", name] for name in SPLITS] == [35, 5, 10]


@given(labelled_ids(), SHARES, SHARES, SEEDS, SEEDS)
def test_test_ids_depend_on_neither_seed_nor_validation_share(
    ids: Ids, first: tuple[float, float], second: tuple[float, float], one_seed: int, other_seed: int
) -> None:
    one = split(ids, test=first[0], validation=first[1], seed=one_seed)
    other = split(ids, test=first[0], validation=second[1], seed=other_seed)
    assert members(one, "test") == members(other, "test")


@given(labelled_ids(), SEEDS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(ids: Ids, seed: int, random: object) -> None:
    guids = list(ids)
    random.shuffle(guids)  # type: ignore[attr-defined]
    assert split({guid: ids[guid] for guid in guids}, seed=seed) == split(ids, seed=seed)


@given(labelled_ids(), st.floats(0.01, 0.6), st.floats(0.01, 0.6))
def test_a_smaller_test_share_gives_a_subset(ids: Ids, one: float, other: float) -> None:
    small, large = (members(split(ids, test=share), "test") for share in sorted([one, other]))
    assert small <= large


@given(labelled_ids(), SEEDS)
def test_a_label_more_or_less_moves_no_id_of_the_others(ids: Ids, seed: int) -> None:
    fewer = {guid: label for guid, label in ids.items() if label != "label0"}
    assert split(fewer, seed=seed) == {guid: split(ids, seed=seed)[guid] for guid in fewer}


def test_the_seed_changes_validation() -> None:
    ids = {f"{label}{n}": label for label in "ab" for n in range(50)}
    assert len({frozenset(members(split(ids, seed=seed), "validation")) for seed in range(5)}) == 5


def test_the_split_is_the_same_on_every_machine() -> None:
    ids = {f"{label}{n}": label for label in "ab" for n in range(10)}
    splits = split(ids)
    assert sorted(members(splits, "test")) == ["a4", "a7", "b4", "b5"]
    assert sorted(members(splits, "validation")) == ["a2", "b0"]


def test_the_grouped_split_is_the_same_on_every_machine() -> None:
    ids = {f"{label}{n}": label for label in "ab" for n in range(20)}
    splits = split(ids, {guid: f"g{int(guid[1:]) % 7}" for guid in ids})
    assert {int(guid[1:]) % 7 for guid in members(splits, "test")} == {4, 6}
    assert {int(guid[1:]) % 7 for guid in members(splits, "validation")} == {3}


@given(labelled_ids(), SEEDS)
def test_groups_of_one_id_change_nothing(ids: Ids, seed: int) -> None:
    assert split(ids, dict.fromkeys(ids), seed=seed) == split(ids, seed=seed)
    assert split(ids, {guid: guid for guid in ids}, seed=seed) == split(ids, seed=seed)


@given(grouped_ids(), SHARES, SEEDS)
def test_a_group_never_crosses_splits_and_train_has_every_label(
    case: tuple[Ids, dict[str, str | None]], shares: tuple[float, float], seed: int
) -> None:
    ids, groups = case
    splits = split_or_skip(ids, groups, test=shares[0], validation=shares[1], seed=seed)
    for value in {value for value in groups.values() if value}:
        assert len({splits[guid] for guid in ids if groups[guid] == value}) == 1
    assert set(splits.values()) == set(SPLITS)
    assert {ids[guid] for guid in members(splits, "train")} == set(ids.values())


@given(grouped_ids())
def test_a_label_in_many_groups_reaches_test(case: tuple[Ids, dict[str, str | None]]) -> None:
    ids, groups = case
    # Groups of one label each: nothing but the label's own number of groups limits it.
    pure = {guid: f"{ids[guid]}:{value}" if value else None for guid, value in groups.items()}
    splits = split_or_skip(ids, pure)
    holders = Counter(label for label, _ in {(ids[guid], pure[guid] or guid) for guid in ids})
    for label, number in holders.items():
        reached = {splits[guid] for guid in ids if ids[guid] == label}
        assert reached == set(SPLITS) if number >= 3 else "train" in reached


@given(grouped_ids(), SHARES, st.floats(0.01, 0.39), SEEDS, st.randoms(use_true_random=False))
def test_test_groups_depend_on_neither_seed_nor_validation_share_nor_order(
    case: tuple[Ids, dict[str, str | None]],
    shares: tuple[float, float],
    other_validation: float,
    seed: int,
    random: object,
) -> None:
    ids, groups = case
    one = split_or_skip(ids, groups, test=shares[0], validation=shares[1])
    guids = list(ids)
    random.shuffle(guids)  # type: ignore[attr-defined]
    shuffled = {guid: ids[guid] for guid in guids}
    assert split(shuffled, groups, test=shares[0], validation=shares[1]) == one
    other = split_or_skip(shuffled, groups, test=shares[0], validation=other_validation, seed=seed)
    assert members(other, "test") == members(one, "test")


@given(grouped_ids(), st.floats(0.01, 0.6), st.floats(0.01, 0.6))
def test_a_smaller_test_share_gives_a_subset_of_the_groups(
    case: tuple[Ids, dict[str, str | None]], one: float, other: float
) -> None:
    ids, groups = case
    small, large = (members(split_or_skip(ids, groups, test=s), "test") for s in sorted([one, other]))
    assert small <= large


def test_counts_come_near_the_shares_with_groups() -> None:
    ids = {f"{label}{n}": label for label, size in (("a", 900), ("b", 300), ("c", 60)) for n in range(size)}
    groups: dict[str, str | None] = {guid: f"g{hash_free(guid) % 150}" for guid in ids}
    counts = Counter((ids[guid], name) for guid, name in split(ids, groups).items())
    for label, size in Counter(ids.values()).items():
        assert counts[label, "test"] / size == pytest.approx(0.2, abs=0.05)
        assert counts[label, "validation"] / size == pytest.approx(0.1, abs=0.05)


def hash_free(guid: str) -> int:
    return sum(ord(character) * 31**place for place, character in enumerate(guid))


def test_a_giant_group_goes_to_train() -> None:
    ids = {f"{label}{n}": label for label in "ab" for n in range(200)}
    groups: dict[str, str | None] = {guid: "giant" if int(guid[1:]) < 150 else guid[:-1] for guid in ids}
    splits = split(ids, groups)
    assert splits["a0"] == "train"
    assert len(members(splits, "test")) == pytest.approx(80, abs=10)


@given(labelled_ids(), SEEDS)
def test_a_column_of_splits_is_the_split(ids: Ids, seed: int) -> None:
    given_splits: dict[str, str | None] = {guid: SPLITS[int(guid.rpartition("-")[2]) % 3] for guid in ids}
    assert split(ids, given_splits, seed=seed) == given_splits


@pytest.mark.parametrize(
    ("values", "part"),
    [
        (["train", "train", "test"], "no id has validation"),
        (["train", "dev", "test"], "got 'dev'"),
        (["Train", "Validation", "Test"], "got 'Test'"),
        (["train", None, "test"], "got ''"),
    ],
)
def test_a_faulty_column_of_splits_is_refused(values: list[str | None], part: str) -> None:
    ids = {f"{label}{n}": label for label in "ab" for n in range(9)}
    with pytest.raises(PrepareError, match=f"prepare.split.by: .*{part}"):
        split(ids, {guid: values[int(guid[1:]) % 3] for guid in ids})


def test_a_column_of_splits_must_have_every_label_in_train() -> None:
    ids = {f"{label}{n}": label for label in "ab" for n in range(9)}
    splits = {guid: SPLITS[int(guid[1:]) % 3] if label == "a" else "test" for guid, label in ids.items()}
    with pytest.raises(PrepareError, match="no train id has b;"):
        split(ids, dict(splits))


def test_a_group_may_be_called_test() -> None:
    ids = {f"{label}{n}": label for label in "ab" for n in range(9)}
    splits = split(ids, {guid: "test" if int(guid[1:]) < 2 else f"g{int(guid[1:]) // 2}" for guid in ids})
    assert set(splits.values()) == set(SPLITS)


@pytest.mark.parametrize("number", [1, 2])
def test_too_few_groups_name_the_empty_split(number: int) -> None:
    ids = {f"{label}{n}": label for label in "ab" for n in range(9)}
    empty = "test" if number == 1 else "validation"
    with pytest.raises(PrepareError, match=f"{number} groups leave no id for {empty}"):
        split(ids, {guid: f"g{int(guid[1:]) % number}" for guid in ids})


def test_every_small_label_is_listed_with_its_count() -> None:
    ids = {f"a{n}": "a" for n in range(9)} | {"b0": "b", "b1": "b", "c0": "c"}
    with pytest.raises(PrepareError, match=r"got b \(2\), c \(1\); .*ignored_labels.*num_labels_threshold"):
        split(ids)


def test_a_repeated_id_is_refused() -> None:
    with pytest.raises(PrepareError, match="'x' occurs more than once"):
        assign_splits(["x", "y", "x"], ["a"] * 3, validation=0.1, test=0.2, seed=1)
