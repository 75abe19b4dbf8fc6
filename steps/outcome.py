"""Where there are several models, the failure of one is an outcome that its steps hand on: the others' branches go on.

What ends a process, such as Ctrl-C, SIGTERM or memory that runs out, is none.
"""

import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from zenml import get_step_context, log_metadata
from zenml.client import Client
from zenml.exceptions import ZenMLBaseException

from finetune.calls import place
from finetune.config.experiment import ExperimentConfig
from finetune.errors import FinetuneError
from finetune.failure import Failure
from finetune.invocations import model_of, names_of_models
from finetune.progress import say
from steps.work import run_facts

T = TypeVar("T")


def model_here() -> str | None:
    """The model whose branch this step stands in; None where there is one model."""
    return model_of(get_step_context().step_name, names_of_models(run_facts()["config"]))


def run_of_model() -> dict[str, Any]:
    """The facts of the run as those of one model: where there are several, `train` is what this one is trained with."""
    facts, model = run_facts(), model_here()
    if model is None:
        return facts
    train = ExperimentConfig.model_validate(facts["config"]).all_models[model][1]
    return {**facts, "model": model, "config": {**facts["config"], "train": train.model_dump(mode="json")}}


def attempted(work: Callable[[], T], instead: Callable[[Failure], T]) -> T:
    """Does a step's work; of several models, gives what stands in place of its result when it fails."""
    model = model_here()
    if model is not None:
        say(f"{get_step_context().step_name}:")
    try:
        return work()
    except ZenMLBaseException:  # ZenML ends the step, for example because the run is stopped
        raise
    except Exception as error:
        if model is None:
            raise
        step = get_step_context().step_name.removesuffix(f"_{model}")
        if not isinstance(error, FinetuneError):
            say("".join(traceback.format_exception(error)).rstrip())
        failure = Failure(model, step, _told(error))
        say(f"error: models.{model}: {step}: {failure.error}\nthe other models go on")
        return failed(failure, instead)


def failed(failure: Failure, instead: Callable[[Failure], T]) -> T:
    """Gives what stands in place of a result, and keeps it out of the cache, so that a resumed run tries again."""
    log_metadata({"failure": failure.error})
    Client().update_step_run(get_step_context().step_run.id, cache_expires_at=datetime.now(UTC))
    return instead(failure)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, FinetuneError) else f"{place(error)}{type(error).__name__}: {error}"
