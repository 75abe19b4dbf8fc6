"""What SageMaker's own hyperparameter tuning job cannot do of a study, said before anything starts. Pure."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from finetune.tuning.limits import HOUR_S
from finetune.tuning.space import values
from finetune.tuning.texts import to_text

if TYPE_CHECKING:
    from finetune.config.compute import MachinesConfig
    from finetune.config.tune import TuneConfig

CHANNEL = "study"
"""The input of each training job that holds its work and the dataset."""
OBJECTIVE = "objective"
"""Name of the metric, as SageMaker reads it from the log."""
MOST_PARAMETERS, MOST_CHOICES, LONGEST_CHOICE, MOST_INPUTS = 30, 30, 256, 20
LEAST_STOP = 3
LEAST_S, LONGEST_S = 120, 15_768_000
"""Limits of CreateHyperParameterTuningJob (its API reference)."""


def refused_engine(tune: "TuneConfig", machines: "MachinesConfig | None") -> list[str]:
    """The rules of SageMaker's tuning jobs that a study breaks; empty if there are none.

    Args:
        tune: The config's section, with `engine: sagemaker`.
        machines: `compute.tune`.
    """
    return [*_machines(machines), *_space(tune), *_points(tune), *_limits(tune)]


def points_of(tune: "TuneConfig") -> float:
    """How many combinations a space without conditions has."""
    return math.prod((len(found) if (found := values(each)) else math.inf) for each in tune.space.values())


def _machines(machines: "MachinesConfig | None") -> Iterator[str]:
    if machines is None:
        yield (
            "compute.tune: must name an instance_type with tune.engine: sagemaker, for the training jobs of the tuning "
            "job"
        )
        return
    if machines.warm_pool_minutes:
        yield "compute.tune.warm_pool_minutes: a tuning job keeps instances by itself; leave it out"
    if CHANNEL in machines.inputs or len(machines.inputs) >= MOST_INPUTS:
        yield (
            f"compute.tune.inputs: may be {MOST_INPUTS - 1} at most and not be called {CHANNEL} with tune.engine: "
            f"sagemaker, which brings the dataset so; rename or leave out"
        )


def _space(tune: "TuneConfig") -> Iterator[str]:
    if len(tune.space) > MOST_PARAMETERS:
        yield f"tune.space: SageMaker searches {MOST_PARAMETERS} parameters at most, but got {len(tune.space)}"
    for name, distribution in tune.space.items():
        if distribution.when:
            yield (
                f"tune.space.{name}.when: SageMaker's tuning job has no conditions; leave it out, or write "
                f"tune.engine: study"
            )
        choice = distribution.choice or []
        if len(choice) > MOST_CHOICES:
            yield f"tune.space.{name}.choice: SageMaker takes {MOST_CHOICES} values at most, but got {len(choice)}"
        if any(len(to_text(each)) > LONGEST_CHOICE for each in choice):
            yield f"tune.space.{name}.choice: SageMaker takes values of {LONGEST_CHOICE} characters at most"
        if tune.sampler == "grid" and distribution.choice is None:
            yield f"tune.space.{name}: a grid of SageMaker's tuning job needs a choice in each parameter; write choice:"


def _points(tune: "TuneConfig") -> Iterator[str]:
    size = points_of(tune)
    if tune.sampler == "grid" and tune.trials < size < math.inf:
        yield f"tune.trials: must be at least {size:.0f}, the points of the grid, but got {tune.trials}"
    if tune.sampler != "grid" and tune.trials > size:
        yield f"tune.trials: the space has only {size:.0f} combinations, of which SageMaker tries none twice; ask fewer"


def _limits(tune: "TuneConfig") -> Iterator[str]:
    if tune.early_stop is not None and tune.early_stop < LEAST_STOP:
        yield f"tune.early_stop: must be at least {LEAST_STOP} with tune.engine: sagemaker, but got {tune.early_stop}"
    if tune.max_hours is not None and not LEAST_S <= tune.max_hours * HOUR_S <= LONGEST_S:
        yield (
            f"tune.max_hours: must be from {LEAST_S / HOUR_S:.3f} to {LONGEST_S / HOUR_S:.0f} with tune.engine: "
            f"sagemaker, but got {tune.max_hours:g}"
        )
