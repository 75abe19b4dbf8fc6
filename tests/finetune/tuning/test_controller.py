"""The controller, with trials that do in a moment what real ones do in hours; they speak to it as real ones do."""

import itertools
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from finetune.config.tune import DistributionConfig, TuneConfig
from finetune.errors import TuneError
from finetune.tuning.controller import Controller
from finetune.tuning.exchange import Exchange, Outcome
from finetune.tuning.journal import Journal, Record, State
from finetune.tuning.signals import StudyStopped

SPACE = {"train.seed": DistributionConfig(int=[1, 1000])}
DEFAULT = {"train.seed": 500}
STEPS = 4


@dataclass
class Moment:
    """A trial that takes a step or more each time it is looked at; it goes on from where its folder says."""

    record: Record
    exchange: Exchange
    fails: Callable[[int], bool]
    log: list[tuple[str, int]]
    pace: int
    gone: bool = False

    def ended(self) -> str | None:
        if self.gone:
            return "its process ended with exit code 143"
        points = self.exchange.told()
        if self.fails(self.record.number):
            self.exchange.end(Outcome(State.FAILED, reason="a reason"))
        elif self.exchange.is_asked_to_stop():
            self.exchange.end(Outcome(State.PRUNED))
        elif len(points) == STEPS:
            self.exchange.end(Outcome(State.COMPLETED, points[-1]))
        else:
            self.log.append(("step", self.record.number))
            now = min(STEPS, len(points) + self.pace)
            self.exchange.tell([self.record.params["train.seed"] * (step + 1) / STEPS for step in range(now)])
            return None
        return "its process ended with exit code 0"

    def stop(self) -> None:
        self.gone = True

    def kill(self) -> None:
        self.gone = True


@dataclass
class Bench:
    """A study in a folder."""

    folder: Path
    fails: Callable[[int], bool] = lambda number: False
    log: list[tuple[str, int]] = field(default_factory=list)
    at_start: Callable[[int], None] = lambda number: None
    pace: int = 1

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / "study")

    def controller(self, **settings: object) -> Controller:
        def start(record: Record) -> Moment:
            self.log.append(("start", record.number))
            self.at_start(record.number)
            return Moment(record, Exchange(self.journal.folder(record.number)), self.fails, self.log, self.pace)

        given = {"trials": 6, "parallel": 2, "pruner": "none", **settings}
        return Controller(
            TuneConfig.model_validate({"space": SPACE, **given}),
            default=DEFAULT,
            lower_is_better=False,
            journal=self.journal,
            start=start,
            poll_s=0.0,
        )

    def most_at_once(self) -> int:
        last = {number: at for at, (_, number) in enumerate(self.log)}
        first = {number: at for at, (what, number) in reversed(list(enumerate(self.log))) if what == "start"}
        return max(sum(first[number] <= at <= last[number] for number in first) for at in range(len(self.log)))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_study_tries_the_config_first_and_finds_the_best(bench: Bench) -> None:
    best = bench.controller().run()
    records = bench.journal.records()
    assert [record.number for record in records] == list(range(6))
    assert all(record.state is State.COMPLETED and len(record.points) == STEPS for record in records)
    assert records[0].params == DEFAULT
    assert best.value == max(record.value or 0 for record in records) >= 500
    assert bench.most_at_once() == 2


def test_a_failed_trial_is_recorded_and_the_rest_goes_on(bench: Bench) -> None:
    bench.fails = lambda number: number in (0, 3)
    best = bench.controller().run()
    records = bench.journal.records()
    assert [record.number for record in records if record.state is State.FAILED] == [0, 3]
    assert records[3].reason == "a reason"
    assert best.state is State.COMPLETED


def test_a_study_of_which_all_trials_failed_says_why(bench: Bench) -> None:
    bench.fails = lambda number: True
    with pytest.raises(TuneError, match="none of 6 trials was completed, 6 failed; trial 0: a reason"):
        bench.controller().run()


def test_bad_trials_are_stopped_early(bench: Bench) -> None:
    bench.controller(trials=12, parallel=1, pruner="median").run()
    pruned = [record for record in bench.journal.records() if record.state is State.PRUNED]
    assert pruned
    assert all(len(record.points) < STEPS for record in pruned)


def test_a_verdict_between_two_looks_counts(bench: Bench) -> None:
    bench.pace = 2  # ASHA judges at validations 1 and 3, and these trials are looked at after 2 and 4
    bench.controller(trials=12, parallel=1, pruner="asha").run()
    found = {record.state: len(record.points) for record in bench.journal.records()}
    assert found == {State.COMPLETED: STEPS, State.PRUNED: 2}


class Killed(BaseException):
    """The process ends here; nothing of it goes on."""


@pytest.mark.parametrize("kill_at", range(1, 12))
def test_a_killed_study_loses_no_finished_trial_and_ends_as_an_undisturbed_one(bench: Bench, kill_at: int) -> None:
    calm = Bench(bench.folder / "calm")
    wanted = calm.controller(parallel=1).run()
    steps = itertools.count()

    def kill(number: int) -> bool:
        if next(steps) == kill_at:
            raise Killed
        return False

    bench.fails = kill
    with pytest.raises(Killed):
        bench.controller(parallel=1).run()
    before = {record.number: record for record in bench.journal.records()}
    bench.fails = lambda number: False
    taken = bench.controller(parallel=1).run()
    assert taken.params == wanted.params
    after = bench.journal.records()
    assert [record.params for record in after] == [record.params for record in calm.journal.records()]
    for record in after:
        if record.number in before and before[record.number].state is not State.RUNNING:
            assert record == before[record.number]
    assert len([entry for entry in bench.log if entry[0] == "step"]) == 6 * STEPS  # no step is done twice


def test_a_trial_that_ended_after_the_controller_was_killed_is_not_run_again(bench: Bench) -> None:
    for number, state in enumerate([State.COMPLETED, State.FAILED]):
        bench.journal.write(Record(number, {"train.seed": 500 + number}))
        Exchange(bench.journal.folder(number)).end(Outcome(state, 0.5 if state is State.COMPLETED else None))
    bench.journal.write(Record(2, {"train.seed": 7}))
    Exchange(bench.journal.folder(2)).ask_to_stop()
    bench.controller(trials=4).run()
    assert [entry for entry in bench.log if entry[0] == "start"] == [("start", 3)]
    assert [record.state for record in bench.journal.records()][:3] == [State.COMPLETED, State.FAILED, State.PRUNED]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_trials_which_go_on_another_time(bench: Bench, number: signal.Signals) -> None:
    bench.at_start = lambda trial: os.kill(os.getpid(), number) if trial == 2 else None
    with pytest.raises(StudyStopped) as stopped:
        bench.controller().run()
    assert stopped.value.number == number
    assert {record.state for record in bench.journal.records()} >= {State.RUNNING}
    bench.at_start = lambda trial: None
    bench.controller().run()
    assert all(record.state is State.COMPLETED for record in bench.journal.records())


def test_a_study_that_has_reached_its_limit_keeps_what_it_has(bench: Bench) -> None:
    bench.controller(trials=2).run()
    bench.journal.write(Record(2, {"train.seed": 3}))
    bench.journal.write_seconds(7200.0)
    best = bench.controller(max_hours=1.0).run()
    assert best.number in (0, 1)
    third = bench.journal.records()[2]
    assert (third.state, third.reason) == (State.PRUNED, "tune.max_hours (1) is reached")
    assert len(bench.journal.records()) == 3


def test_a_grid_ends_with_its_last_point(bench: Bench) -> None:
    space = {"train.seed": DistributionConfig(choice=[1, 2, 500])}
    bench.controller(space=space, sampler="grid", trials=9).run()
    assert [record.params["train.seed"] for record in bench.journal.records()] == [500, 1, 2]


def test_a_record_that_cannot_be_read_is_named(bench: Bench) -> None:
    bench.journal.write(Record(0, {}))
    file = bench.folder / "study" / "0" / "trial.json"
    file.write_text("{", encoding="utf-8")
    with pytest.raises(TuneError, match=f"{file} cannot be read"):
        bench.controller()
