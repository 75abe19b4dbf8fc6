from hypothesis import given
from hypothesis import strategies as st

from finetune.registry.stages import Move, Stage, before, changes, in_production, last_move, moved, stages_of

MOVES = st.lists(st.builds(Move, st.integers(1, 4), st.sampled_from(Stage), st.just("now"), st.just("me")), max_size=8)


def line(*versions: int, rollback: bool = False) -> list[Move]:
    return [Move(version, Stage.PRODUCTION, f"at {version}", "me", rollback) for version in versions]


def test_who_was_in_a_stage_leaves_it_for_who_comes() -> None:
    stages = moved({5: Stage.PRODUCTION, 6: Stage.STAGING}, 7, Stage.PRODUCTION)
    assert stages == {5: Stage.NONE, 6: Stage.STAGING, 7: Stage.PRODUCTION}
    assert changes({5: Stage.PRODUCTION}, stages) == [(5, Stage.NONE), (6, Stage.STAGING), (7, Stage.PRODUCTION)]


def test_two_versions_that_change_places_are_never_in_one_stage() -> None:
    swapped = changes({1: Stage.STAGING, 2: Stage.PRODUCTION}, {1: Stage.PRODUCTION, 2: Stage.STAGING})
    assert swapped == [(1, Stage.NONE), (2, Stage.NONE), (1, Stage.PRODUCTION), (2, Stage.STAGING)]


@given(MOVES)
def test_a_stage_has_one_version_at_most(moves: list[Move]) -> None:
    stages = list(stages_of(moves).values())
    assert stages.count(Stage.PRODUCTION) <= 1 and stages.count(Stage.STAGING) <= 1


@given(MOVES, MOVES)
def test_changes_lead_from_any_stages_to_any_others_and_leave_before_they_take(
    one: list[Move], other: list[Move]
) -> None:
    stages, wanted = stages_of(one), {**dict.fromkeys(range(1, 5), Stage.NONE), **stages_of(other)}
    for version, stage in changes(stages, wanted):
        if stage is not Stage.NONE:
            assert stage not in stages.values()
        stages[version] = stage
    assert {**wanted, **stages} == wanted


def test_each_rollback_goes_one_further_back_until_there_is_none() -> None:
    moves = line(5, 6, 7)
    for expected in (6, 5):
        assert before(moves) == expected
        moves += line(expected, rollback=True)
    assert before(moves) is None


def test_after_a_rollback_and_a_promotion_the_way_back_is_that_of_what_counts() -> None:
    assert before([*line(5, 6), *line(5, rollback=True), *line(8)]) == 5
    assert before(line(5, 6, 5)) == 6


def test_where_production_is_empty_a_rollback_fills_it_again() -> None:
    assert before([*line(5, 6), Move(6, Stage.NONE, "later", "me")]) == 6
    assert before([]) is None


@given(MOVES)
def test_a_rollback_never_leads_to_the_version_that_is_in_production(moves: list[Move]) -> None:
    back = before(moves)
    assert back is None or back != in_production(stages_of(moves))


def test_the_last_move_of_a_version_is_also_that_which_pushed_it_out() -> None:
    moves = line(5, 6)
    assert last_move(moves, 5) is moves[1] and last_move(moves, 6) is moves[1] and last_move(moves, 9) is None
