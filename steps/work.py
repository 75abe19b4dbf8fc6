"""What every step needs around its work: its seconds as metadata, a scratch folder, and facts of its run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zenml import get_step_context, log_metadata

from finetune.facts import facts_of
from finetune.hardware import hardware
from finetune.invocations import OF_A_MODEL, invocation, model_of, names_of_models
from materializers.local import scratch_folder

SECONDS, HARDWARE = "seconds", "hardware"
LEAST_S = 0.001
"""What a step takes at least: 0 stands for one from the cache."""


@contextmanager
def working() -> Iterator[Path]:
    """Gives a scratch folder, and logs how long the step's work took, in seconds, and on what, as its metadata.

    The folder lives as long as the process, because ZenML stores the outputs after the work.
    """
    started = time.perf_counter()
    yield scratch_folder()
    log_metadata({SECONDS: max(LEAST_S, round(time.perf_counter() - started, 3)), HARDWARE: hardware()})


def run_facts() -> dict[str, Any]:
    """The facts of the run: experiment, run number, stack, started, resolved config.

    They come from the run, not from parameters, so that they are in no cache key.
    """
    run = get_step_context().pipeline_run
    return facts_of(run.config.extra, run.run_metadata)


def seconds_so_far() -> dict[str, float]:
    """Seconds of work of the run's finished steps; a cached step has those of the run that did the work.

    Where there are several models, steps of the others are left out.
    """
    return {step: float(seconds) for step, seconds in _logged_so_far(SECONDS).items()}


def hardware_so_far() -> dict[str, str]:
    """The machine of each of the steps that `seconds_so_far` tells of."""
    return _logged_so_far(HARDWARE)


def _logged_so_far(what: str) -> dict[str, str]:
    context = get_step_context()
    models = names_of_models(run_facts()["config"])
    others = set(models) - {model_of(context.step_name, models)}
    return {
        name: str(step.run_metadata[what])
        for name, step in context.pipeline_run.steps.items()
        if what in step.run_metadata and model_of(name, models) not in others
    }


def seconds_of(model: str) -> dict[str, float]:
    """Seconds of work of each step that this model has for itself, as `seconds_so_far` tells them."""
    context = get_step_context()
    steps, models = context.pipeline_run.steps, names_of_models(run_facts()["config"])
    named = {step: steps[invocation(step, model, models)] for step in OF_A_MODEL}
    return {step: float(str(run.run_metadata[SECONDS])) for step, run in named.items() if SECONDS in run.run_metadata}
