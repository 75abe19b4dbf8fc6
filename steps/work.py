"""What every step needs around its work: its seconds as metadata, a scratch folder, and facts of its run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zenml import get_step_context, log_metadata

from finetune.facts import facts_of
from materializers.local import scratch_folder

SECONDS = "seconds"


@contextmanager
def working() -> Iterator[Path]:
    """Gives a scratch folder, and logs how long the step's work took, in seconds, as its metadata.

    The folder lives as long as the process, because ZenML stores the outputs after the work.
    """
    started = time.perf_counter()
    yield scratch_folder()
    log_metadata({SECONDS: round(time.perf_counter() - started, 3)})


def run_facts() -> dict[str, Any]:
    """The facts of the run: experiment, run number, stack, started, resolved config.

    They come from the run, not from parameters, so that they are in no cache key.
    """
    run = get_step_context().pipeline_run
    return facts_of(run.config.extra, run.run_metadata)


def seconds_so_far() -> dict[str, float]:
    """Seconds of work of the run's finished steps; a cached step has those of the run that did the work."""
    steps = get_step_context().pipeline_run.steps
    return {
        name: float(str(step.run_metadata[SECONDS])) for name, step in steps.items() if SECONDS in step.run_metadata
    }
