"""The Optuna study: the first trial, going on after a kill, and pruning."""

from dataclasses import replace

import pytest

from finetune.config.tune import DistributionConfig, TuneConfig
from finetune.tuning.journal import Record, State
from finetune.tuning.limits import best, enough, spent
from finetune.tuning.study import Study

SPACE = {
    "train.learning_rate": DistributionConfig(log_uniform=[1e-5, 1e-1]),
    "train.schedule": DistributionConfig(choice=["linear", "cosine"]),
    "train.warmup": DistributionConfig(uniform=[0.0, 0.2], when={"train.schedule": "cosine"}),
}
DEFAULT = {"train.learning_rate": 0.5, "train.schedule": "linear"}
"""The first lies outside of its distribution."""


def done(settings: TuneConfig, count: int) -> list[Record]:
    """Trials one after the other; a lower learning rate is better."""
    study, records = Study(settings, DEFAULT, lower_is_better=False), []
    for number in range(count):
        params = study.ask()
        if params is None:
            break
        value = 1 - params["train.learning_rate"]
        records.append(Record(number, params, State.COMPLETED, value, [value / 2, value]))
        study.should_stop(number, [value / 2])
        study.tell(records[-1])
    return records


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_config_as_it_stands_is_the_first_trial_and_the_others_lie_in_the_space(sampler: str) -> None:
    records = done(TuneConfig(space=SPACE, sampler=sampler, trials=8), 12)
    assert records[0].params == DEFAULT
    assert all(1e-5 <= record.params["train.learning_rate"] <= 1e-1 for record in records[1:])
    assert len({record.params["train.learning_rate"] for record in records}) == 12


@pytest.mark.parametrize("killed_at", [1, 4, 9])
def test_a_study_that_is_taken_up_again_asks_what_it_would_have_asked(killed_at: int) -> None:
    settings = TuneConfig(space=SPACE, trials=10)
    whole = done(settings, 11)
    again = Study(settings, DEFAULT, lower_is_better=False)
    for record in whole[:killed_at]:
        again.take_up(record)
    assert again.ask() == whole[killed_at].params


def test_a_trial_that_ran_at_the_kill_keeps_number_and_parameters() -> None:
    settings = TuneConfig(space=SPACE, trials=8)
    first, second, third = done(settings, 3)
    study = Study(settings, DEFAULT, lower_is_better=False)
    for record in (first, replace(second, state=State.RUNNING, value=None, points=[0.2]), third):
        study.take_up(record)
    study.should_stop(1, [0.2, 0.4])
    study.tell(second)
    assert [trial.state.name for trial in study.optuna.trials] == ["COMPLETE"] * 3
    assert study.optuna.trials[1].params == second.params


@pytest.mark.parametrize("pruner", ["median", "asha"])
def test_a_trial_below_the_others_is_stopped_but_never_the_first(pruner: str) -> None:
    study = Study(TuneConfig(space=SPACE, pruner=pruner, trials=8), DEFAULT, lower_is_better=False)
    for number, value in enumerate([0.9, 0.8, 0.7]):
        study.ask()
        study.should_stop(number, [value])
        study.tell(Record(number, {}, State.COMPLETED, value))
    study.ask()
    assert study.should_stop(3, [0.1])
    alone = Study(TuneConfig(space=SPACE, pruner=pruner), DEFAULT, lower_is_better=False)
    alone.ask()
    assert not alone.should_stop(0, [0.0])


def test_a_study_without_a_pruner_stops_none() -> None:
    study = Study(TuneConfig(space=SPACE, pruner="none"), DEFAULT, lower_is_better=True)
    for number in range(4):
        study.ask()
        assert not study.should_stop(number, [float(number)])


def test_a_study_ends_after_its_trials_or_when_none_is_better() -> None:
    records = [Record(number, {}, State.COMPLETED, value) for number, value in enumerate([0.5, 0.8, 0.6, 0.8])]
    assert enough(TuneConfig(trials=5), records, lower_is_better=False) is None
    assert enough(TuneConfig(trials=4), records, lower_is_better=False) == "all 4 trials were begun"
    settings = TuneConfig(trials=9, early_stop=2)
    assert enough(settings, records[:3], lower_is_better=False) is None
    assert enough(settings, records, lower_is_better=False) == "tune.early_stop: 2 trials brought no better one"
    failed = [*records[:3], Record(3, {}, State.FAILED), Record(4, {})]
    assert enough(settings, failed, lower_is_better=False) is None
    winner, lowest = best(records, lower_is_better=False), best(records, lower_is_better=True)
    assert winner is not None and winner.number == 1  # the earliest of equals
    assert lowest is not None and lowest.number == 0
    assert best(failed[3:], lower_is_better=False) is None


def test_a_study_ends_at_its_limits() -> None:
    assert spent(TuneConfig(max_hours=1.0), 3599, 9999) is None
    assert spent(TuneConfig(max_hours=1.0), 3600, 0) == "tune.max_hours (1) is reached"
    settings = TuneConfig(max_cost_usd=3.0, usd_per_hour=1.5)
    assert spent(settings, 99999, 7199) is None
    assert spent(settings, 0, 7200) == "tune.max_cost_usd (3) is reached"
