import math
from itertools import islice
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rehearsal.tuning.propose import Choice, Number, combinations, draws, grid, ranges_of

CHOICES = st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=4, unique=True).map(tuple)


@st.composite
def numbers(draw: Any) -> Number:
    whole = draw(st.booleans())
    scaling = draw(st.sampled_from(["Auto", "Linear", "Logarithmic"] + ([] if whole else ["ReverseLogarithmic"])))
    low, high = {"Logarithmic": (1, 10**6), "ReverseLogarithmic": (0, 0.9999)}.get(scaling, (-(10**6), 10**6))
    ends = st.integers(low, high) if whole else st.floats(low, high)
    least, most = sorted(draw(st.tuples(ends, ends)))
    assume(most - least > 1e-6)
    return Number("n", least, most, scaling, whole)


@given(numbers(), st.floats(0, 1, exclude_max=True))
def test_a_number_lies_in_its_range_and_an_integer_is_written_as_one(number: Number, place: float) -> None:
    text = number.at(place)
    assert number.least <= float(text) <= number.most
    assert not number.whole or str(int(text)) == text


@given(numbers(), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_a_place_further_along_is_no_smaller_a_number(number: Number, one: float, other: float) -> None:
    below, above = (float(number.at(place)) for place in sorted((one, other)))
    assert below <= above or math.isclose(below, above, rel_tol=1e-9, abs_tol=1e-9)


def test_a_logarithmic_scale_gives_each_power_of_ten_as_much_room() -> None:
    number = Number("lr", 1e-5, 1e-1, "Logarithmic", False)
    assert [float(number.at(place)) for place in (0.0, 0.25, 0.5, 0.75)] == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2])


@given(st.integers(0, 2**31), CHOICES, numbers())
def test_the_same_seed_proposes_the_same(seed: int, values: tuple[str, ...], number: Number) -> None:
    ranges = [Choice("c", values), number]
    count = int(min(5, combinations(ranges)))
    once, again = (list(islice(draws(ranges, seed), count)) for _ in range(2))
    assert once == again


@given(st.integers(0, 2**31), CHOICES, CHOICES, st.integers(1, 4))
def test_random_proposals_reach_every_combination_and_none_twice(
    seed: int, one: tuple[str, ...], other: tuple[str, ...], most: int
) -> None:
    ranges = [Choice("a", one), Choice("b", other), Number("n", 0, most, "Auto", True)]
    count = int(combinations(ranges))
    proposed = list(islice(draws(ranges, seed), count))
    assert count == len(one) * len(other) * (most + 1) == len({tuple(each.values()) for each in proposed})


@given(CHOICES, CHOICES)
def test_a_grid_is_every_combination_once(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    found = list(grid([Choice("a", one), Choice("b", other)]))
    assert {(each["a"], each["b"]) for each in found} == {(a, b) for a in one for b in other}
    assert len(found) == len(one) * len(other)


def test_where_nothing_new_is_found_a_proposal_comes_again() -> None:
    narrow = [Number("n", 10**17, 10**17 + 3, "Auto", True)]
    assert len(list(islice(draws(narrow, 0), 4))) == 4


def test_ranges_are_read_from_a_request_and_a_continuous_one_never_ends() -> None:
    bounds = {"MinValue": "1", "MaxValue": "3"}
    ranges = ranges_of(
        {
            "IntegerParameterRanges": [{"Name": "layers", **bounds}],
            "ContinuousParameterRanges": [{"Name": "lr", **bounds, "ScalingType": "Logarithmic"}],
            "CategoricalParameterRanges": [{"Name": "kind", "Values": ["x", "y"]}],
        }
    )
    assert ranges == [
        Number("layers", 1, 3, "Auto", True),
        Number("lr", 1.0, 3.0, "Logarithmic", False),
        Choice("kind", ("x", "y")),
    ]
    assert combinations([ranges[0], ranges[2]]) == 6 and combinations(ranges) == math.inf
    with pytest.raises(ValueError, match="1.5"):
        ranges_of({"IntegerParameterRanges": [{"Name": "layers", "MinValue": "1.5", "MaxValue": "3"}]})
