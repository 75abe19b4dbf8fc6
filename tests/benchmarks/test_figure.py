import json

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figure import Figure, all_of, at_least, json_line, under


def test_a_figure_below_its_limit_meets_the_goal_and_one_at_the_limit_does_not() -> None:
    assert under(24.9, 25, "s").meets
    assert not under(25, 25, "s").meets


def test_a_figure_that_just_reaches_its_goal_meets_it() -> None:
    assert at_least(0.97, 0.97, "").meets
    assert not at_least(0.9699, 0.97, "").meets


def test_a_count_meets_its_goal_only_when_it_is_complete() -> None:
    assert all_of(4, 4, "steps").meets
    assert not all_of(3, 4, "steps").meets


def test_the_line_is_one_line_of_json_with_the_agreed_keys() -> None:
    text = json_line("startup", under(0.1, 0.3, "s"), {"check": under(1.0, 1.5, "s")}, starts=[0.1, 0.2])

    assert "\n" not in text
    assert json.loads(text) == {
        "name": "startup",
        "value": 0.1,
        "unit": "s",
        "goal": "under 0.3",
        "meets": True,
        "detail": {"check": {"value": 1.0, "unit": "s", "goal": "under 1.5", "meets": True}, "starts": [0.1, 0.2]},
    }


@given(st.booleans(), st.lists(st.booleans(), max_size=4))
def test_a_benchmark_meets_its_goals_only_if_every_figure_does(headline: bool, others: list[bool]) -> None:
    def figure(meets: bool) -> Figure:
        return under(0 if meets else 2, 1, "s")

    line = json.loads(json_line("name", figure(headline), {str(n): figure(each) for n, each in enumerate(others)}))

    assert line["meets"] is (headline and all(others))
