"""Steps that begin at once get one run of MLflow, whatever the order in which their calls arrive."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from finetune.tracking import mlflow_claim
from finetune.tracking.mlflow_claim import TURN, Claim, chosen, next_turn
from finetune.tracking.mlflow_tracker import client_of


def claim(client: Any, experiment: str, number: int = 7) -> Claim:
    return Claim(client, experiment, f"EXP-1/{number}", "2026-11-20", str(number))


def test_steps_that_begin_at_once_get_one_run_and_leave_no_other(tmp_path: Path) -> None:
    client = client_of(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.create_experiment("EXP-1")
    got: Counter[tuple[int, str]] = Counter()
    for number in range(12):
        barrier = threading.Barrier(4)

        def begin(number: int = number, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            got[number, claim(client, experiment, number).run()] += 1

        steps = [threading.Thread(target=begin) for _ in range(4)]
        for step in steps:
            step.start()
        for step in steps:
            step.join()
    assert sorted(got.values()) == [4] * 12
    assert {run.info.run_id for run in client.search_runs([experiment])} == {run for _, run in got}


def test_a_run_that_was_made_before_and_arrives_after_another_was_chosen_gives_way(tmp_path: Path) -> None:
    client = client_of(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.create_experiment("EXP-1")
    fast, slow = claim(client, experiment), claim(client, experiment)
    first = fast.run()
    slow.made = client.create_run(experiment, start_time=1, tags=fast._tags).info.run_id  # its clock is behind
    assert slow.run() == first == fast.run() == fast.made
    assert [run.info.run_id for run in client.search_runs([experiment])] == [first]


def test_a_run_whose_maker_died_before_its_turn_is_waited_for_and_passed_over(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(mlflow_claim, "PATIENCE_S", 0.2)
    client = client_of(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.create_experiment("EXP-1")
    step = claim(client, experiment)
    dead = client.create_run(experiment, tags=step._tags).info.run_id
    assert step.run() == step.made != dead
    assert claim(client, experiment).run() == step.made
    assert client.get_run(step.made).data.tags[TURN] == "1"


@given(st.dictionaries(st.text(min_size=1), st.none() | st.integers(1, 5)))
def test_the_lowest_turn_counts_and_the_next_one_is_above_all(turns: dict[str, int | None]) -> None:
    taken = {run: turn for run, turn in turns.items() if turn is not None}
    run = chosen(turns)
    assert (run is None) == (not taken)
    if run is not None:
        assert (taken[run], run) == min((turn, each) for each, turn in taken.items())
    assert next_turn(turns) > max(taken.values(), default=0)
