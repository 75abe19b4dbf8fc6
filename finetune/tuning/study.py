"""The Optuna study, in the controller's memory alone: it is asked for parameters, and told what came of them."""

from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from finetune.tuning.journal import Record, State
from finetune.tuning.space import Params, bounds, contains, grid, in_order, is_active

if TYPE_CHECKING:
    from finetune.config.tune import DistributionConfig, TuneConfig

MOST_STARTUP, LEAST_STARTUP, STARTUP_SHARE = 10, 2, 4
"""Trials by chance before TPE begins, and to its end before the median counts: a quarter, but at most Optuna's 10."""
ASHA_KEEPS = 3
"""One trial of so many goes on at each rung of ASHA (Li et al. 2020, "A System for Massively Parallel Hyperparameter
Tuning")."""

STATES = {State.COMPLETED: TrialState.COMPLETE, State.PRUNED: TrialState.PRUNED, State.FAILED: TrialState.FAIL}


class Study:
    """Trials are numbered as in the journal. What is asked follows from the trials told before, number and seed alone.

    So a study that is taken up again goes on as it would have.
    """

    def __init__(self, settings: "TuneConfig", default: Params, *, lower_is_better: bool) -> None:
        """Takes the config's section, and the parameters of trial 0."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._settings, self._default = settings, default
        self._trials: list[optuna.Trial] = []
        self.optuna = optuna.create_study(
            direction="minimize" if lower_is_better else "maximize", pruner=_pruner(settings)
        )

    def ask(self) -> Params | None:
        """The parameters of the next trial; None if all combinations were asked."""
        number = len(self._trials)
        if self._settings.sampler == "grid":
            points = grid(self._settings.space, self._default)
            return self._begin(points[number]) if number < len(points) else None
        return self._begin(self._default if number == 0 else None)

    def take_up(self, record: Record) -> None:
        """Goes on with a trial of the journal; they come in order of number."""
        self._begin(record.params)
        for count in range(len(record.points)):
            self.should_stop(record.number, record.points[: count + 1])
        if record.state is not State.RUNNING:
            self.tell(record)

    def should_stop(self, number: int, points: list[float]) -> bool:
        """Whether the pruner gives a trial up, after the last of these validations."""
        trial = self._trials[number]
        trial.report(points[-1], len(points))
        return number > 0 and bool(trial.should_prune())  # trial 0 is what all others are compared with

    def tell(self, record: Record) -> None:
        """A trial has ended."""
        value = record.value if record.state is State.COMPLETED else None
        self.optuna.tell(record.number, value, STATES[record.state])

    def _begin(self, fixed: Params | None) -> Params:
        space = self._settings.space
        if fixed is not None:
            # The config's own value may lie outside of its distribution, and then the sampler does not learn from it.
            self.optuna.enqueue_trial({name: fixed[name] for name in fixed if contains(space[name], fixed[name])})
        self.optuna.sampler = _sampler(self._settings, len(self._trials))
        trial = self.optuna.ask()
        self._trials.append(trial)
        params: Params = {}
        for name in in_order(space):
            if is_active(space[name], params):
                outside = fixed is not None and name in fixed and not contains(space[name], fixed[name])
                params[name] = fixed[name] if fixed and outside else _suggest(trial, name, space[name])
        return params


def _suggest(trial: optuna.Trial, name: str, distribution: "DistributionConfig") -> Any:
    if distribution.choice is not None:
        return trial.suggest_categorical(name, distribution.choice)
    if distribution.int is not None:
        return trial.suggest_int(name, *distribution.int)
    low, high = bounds(distribution)
    return trial.suggest_float(name, low, high, log=distribution.log_uniform is not None)


def _sampler(settings: "TuneConfig", number: int) -> BaseSampler:
    """A sampler for one trial, so that one which was asked before a kill is not asked again."""
    seed = int(np.random.SeedSequence((settings.seed % 2**32, number)).generate_state(1)[0])
    if settings.sampler == "tpe":
        return TPESampler(n_startup_trials=_startup(settings), seed=seed)
    return RandomSampler(seed=seed)


def _pruner(settings: "TuneConfig") -> BasePruner:
    if settings.pruner == "median":
        return MedianPruner(n_startup_trials=_startup(settings))
    if settings.pruner == "asha":
        return SuccessiveHalvingPruner(min_resource=1, reduction_factor=ASHA_KEEPS)
    return NopPruner()


def _startup(settings: "TuneConfig") -> int:
    return max(LEAST_STARTUP, min(MOST_STARTUP, settings.trials // STARTUP_SHARE))
