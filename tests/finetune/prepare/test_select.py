"""Labels are selected with reasons; a limit keeps a label's splits in proportion and nested."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.errors import PrepareError
from finetune.prepare.select import limit_per_label, select_labels
from finetune.prepare.split import SPLITS, assign_splits

COUNTS = st.dictionaries(st.text(min_size=1, max_size=4), st.integers(1, 20), min_size=2, max_size=8)
LIMITS = st.integers(1, 60)
Table = tuple[list[str], list[str], list[str]]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    rows = draw(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(SPLITS)), max_size=100))
    return [f"id{n}" for n in range(len(rows))], [label for label, _ in rows], [split for _, split in rows]


@given(COUNTS)
def test_all_labels_are_kept_sorted(counts: dict[str, int]) -> None:
    selection = select_labels(counts, ignored=[], threshold=1)
    assert selection.kept == sorted(counts)
    assert selection.left_out == {}


@given(COUNTS, st.integers(1, 20), st.data())
def test_every_label_is_kept_or_left_out_once(counts: dict[str, int], threshold: int, data: st.DataObject) -> None:
    ignored = data.draw(st.lists(st.sampled_from(sorted(counts))))
    expected = sorted(label for label in counts if label not in ignored and counts[label] >= threshold)
    if len(expected) < 2:
        with pytest.raises(PrepareError, match="at least 2 labels must remain"):
            select_labels(counts, ignored=ignored, threshold=threshold)
        return
    selection = select_labels(counts, ignored=ignored, threshold=threshold)
    assert selection.kept == expected
    assert set(selection.left_out) == set(counts) - set(expected)


def test_reasons_name_the_key_and_the_count() -> None:
    selection = select_labels({"a": 9, "b": 8, "c": 2, "d": 7}, ignored=["d"], threshold=3)
    assert selection.left_out == {
        "c": "below prepare.num_labels_threshold 3 (2 ids)",
        "d": "in prepare.ignored_labels (7 ids)",
    }


def test_an_unknown_ignored_label_names_its_nearest_or_all() -> None:
    with pytest.raises(PrepareError) as error:
        select_labels({"notice": 9, "tag": 9}, ignored=["notcie", "zzz"], threshold=1)
    near, far = str(error.value).splitlines()
    assert near.endswith("got 'notcie'; did you mean 'notice'?")
    assert far.endswith("got 'zzz'; the labels are 'notice', 'tag'")


def test_one_remaining_label_is_refused_with_what_was_left_out() -> None:
    with pytest.raises(PrepareError, match=r"got 1 \('a'\). Left out: 'b' is below .* 5 \(2 ids\)"):
        select_labels({"a": 9, "b": 2}, ignored=[], threshold=5)


@given(tables(), LIMITS)
def test_a_label_has_at_most_the_limit_and_all_places_are_used(table: Table, limit: int) -> None:
    stays = limit_per_label(*table, limit)
    sizes = Counter(table[1])
    left = Counter(label for label, stay in zip(table[1], stays, strict=True) if stay)
    assert all(left[label] == min(size, limit) for label, size in sizes.items())


@given(tables(), LIMITS, LIMITS)
def test_a_smaller_limit_gives_a_subset(table: Table, one: int, other: int) -> None:
    small, large = (limit_per_label(*table, limit) for limit in sorted([one, other]))
    assert all(not stay or stay_in_large for stay, stay_in_large in zip(small, large, strict=True))


@given(tables(), st.integers(3, 60))
def test_splits_stay_in_proportion_and_none_is_lost(table: Table, limit: int) -> None:
    stays = limit_per_label(*table, limit)
    before = Counter(zip(table[1], table[2], strict=True))
    after = Counter(row for row, stay in zip(zip(table[1], table[2], strict=True), stays, strict=True) if stay)
    sizes = Counter(table[1])
    for (label, split), size in before.items():
        share = size * min(1, limit / sizes[label])
        assert 1 <= after[label, split] <= size
        # Below one place a split is lifted to one, at the cost of the others.
        assert share - 3 < after[label, split] < max(1, share) + 1


@given(tables(), LIMITS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(table: Table, limit: int, random: object) -> None:
    rows = list(zip(*table, strict=True))
    chosen = {row for row, stay in zip(rows, limit_per_label(*table, limit), strict=True) if stay}
    random.shuffle(rows)  # type: ignore[attr-defined]
    columns = [[row[column] for row in rows] for column in range(3)]
    stays = limit_per_label(columns[0], columns[1], columns[2], limit)
    assert {row for row, stay in zip(rows, stays, strict=True) if stay} == chosen


@given(st.integers(10, 80), st.integers(10, 80), st.integers(3, 40), st.integers(0, 9), st.integers(0, 9))
def test_test_ids_of_a_partial_dataset_are_test_ids_of_the_full_one(
    a: int, b: int, limit: int, seed: int, other_seed: int
) -> None:
    guids = [f"a{n}" for n in range(a)] + [f"b{n}" for n in range(b)]
    labels = ["a"] * a + ["b"] * b
    full = assign_splits(guids, labels, validation=0.1, test=0.2, seed=seed)
    other = assign_splits(guids, labels, validation=0.1, test=0.2, seed=other_seed)
    chosen = [limited_test_ids(guids, labels, splits, limit) for splits in (full, other)]
    assert chosen[0] == chosen[1]
    assert chosen[0] <= {guid for guid, split in zip(guids, full, strict=True) if split == "test"}


def limited_test_ids(guids: list[str], labels: list[str], splits: list[str], limit: int) -> set[str]:
    rows = zip(guids, splits, limit_per_label(guids, labels, splits, limit), strict=True)
    return {guid for guid, split, stays in rows if stays and split == "test"}
