"""The trackers of a step: those of the config, or of the stack; what goes wrong with them fails no step."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from zenml import get_step_context

from finetune.experiment import Home
from finetune.progress import say
from finetune.tracking.choose import Chosen, chosen
from finetune.tracking.keep import keep
from finetune.tracking.settings import Tracking, flattened
from finetune.tracking.trackers import Trackers, opened
from materializers.local import scratch_folder
from operators.trackers import trackers_of
from steps.work import run_facts


@contextmanager
def tracking() -> Iterator[Tracking | None]:
    """What this step tracks, and where; meanwhile credentials are in the environment. None if there is no tracker."""
    facts = run_facts()
    found = _chosen(facts["config"].get("tracking") or {})
    if found.mlflow is None and found.wandb is None:
        yield None
        return
    run = Home(facts["config"]["root"], facts["experiment"]).run(facts["run_number"])
    scratch = _scratch()
    here = isinstance(run, Path)
    told = Tracking(
        experiment=facts["experiment"],
        run_number=facts["run_number"],
        started=facts["started"],
        step=get_step_context().step_run.name,
        parameters=flattened(facts["config"]),
        run=str(run),
        local=str(run if here else scratch),
        scratch=str(scratch),
        mlflow=found.mlflow,
        wandb=found.wandb,
    )
    try:
        with found.credentials.in_environment():
            yield told
    finally:
        if not here and found.wandb:
            keep(scratch, run)


@contextmanager
def tracked() -> Iterator[Trackers]:
    """The trackers of a step that works in this process alone, open while it works."""
    with tracking() as told, opened(told) as trackers:
        yield trackers


@cache
def _scratch() -> Path:
    """One for all steps of this process."""
    return scratch_folder()


def _chosen(config: dict[str, Any]) -> Chosen:
    try:
        return chosen(config, trackers_of(get_step_context().pipeline_run.stack), os.environ)
    except Exception as error:  # a secret that is gone, say
        say(f"trackers of the stack cannot be used: {error}; the run goes on without them")
        return chosen(config, (), os.environ)
