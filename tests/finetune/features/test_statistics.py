import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.features.names import normalised
from finetune.features.statistics import ALL, Moments, Statistics

NUMBERS = st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=30)


@given(NUMBERS, NUMBERS)
def test_two_batches_give_what_all_rows_together_give(one: list[float], two: list[float]) -> None:
    moments = Moments()
    for batch in (one, two):
        moments.add(np.array(batch, dtype=np.float64))
    values = np.array([*one, *two], dtype=np.float64)
    there = values[~np.isnan(values)]
    assert (moments.rows, moments.count) == (len(values), len(there))
    if len(there):
        assert [moments.mean, moments.std, moments.low, moments.high] == pytest.approx(
            [there.mean(), there.std(), there.min(), there.max()], rel=1e-6, abs=1e-3
        )


def test_statistics_are_told_for_all_rows_and_for_each_name() -> None:
    statistics = Statistics()
    statistics.add(["b", None, "a"], {"x": np.array([1.0, 2.0, np.nan])})
    assert statistics.names == ["a", "b"]
    assert statistics.found[ALL, "x"].mean == 1.5
    assert statistics.to_csv().splitlines() == [
        "name,column,rows,missing,mean,std,min,max",
        ",x,3,1,1.5,0.5,1,2",
        "a,x,1,1,,,,",
        "b,x,1,0,1,0,1,1",
    ]


def test_a_name_is_an_alias_or_capitals() -> None:
    aliases = {"ecg ii": "II"}
    assert [normalised(value, aliases) for value in (" ECG  ii ", "Pleth", "II", None)] == ["II", "PLETH", "II", None]
