import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.checks.drift import drift

COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 5000), min_size=1)


@settings(deadline=None, max_examples=50)
@given(COUNTS, COUNTS)
def test_the_distance_is_symmetric_and_between_nothing_and_all(one: dict[str, int], other: dict[str, int]) -> None:
    there, back = drift(one, other), drift(other, one)
    assert there.distance == pytest.approx(back.distance)
    assert -1e-9 <= there.distance <= 1 + 1e-9
    assert 0 <= there.p_value <= 1
    assert (there.come, there.gone) == (back.gone, back.come)
    assert set(there.come) == other.keys() - one.keys()


@settings(deadline=None, max_examples=50)
@given(COUNTS, st.integers(1, 20))
def test_equal_shares_are_no_drift_however_many_ids_there_are(counts: dict[str, int], times: int) -> None:
    found = drift(counts, {label: count * times for label, count in counts.items()})
    assert found.distance == pytest.approx(0)
    assert not found.beyond_chance


@settings(deadline=None, max_examples=50)
@given(st.integers(30, 5000), st.integers(30, 5000))
def test_labels_without_one_in_common_are_as_far_apart_as_can_be(one: int, other: int) -> None:
    found = drift({"a": one}, {"b": other})
    assert found.distance == 1
    assert found.beyond_chance


def test_few_ids_are_far_apart_by_chance_and_many_are_not() -> None:
    few = drift({"a": 6, "b": 4}, {"a": 4, "b": 6})
    many = drift({"a": 6000, "b": 4000}, {"a": 4000, "b": 6000})
    assert few.distance == many.distance == pytest.approx(0.2)
    assert (few.beyond_chance, many.beyond_chance) == (False, True)


def test_rare_labels_are_tested_together() -> None:
    rare = {f"rare{number}": 1 for number in range(40)}
    found = drift({"a": 1000, **rare}, {"a": 1000, **{f"other{number}": 1 for number in range(40)}})
    assert not found.beyond_chance
    assert len(found.come) == len(found.gone) == 40
