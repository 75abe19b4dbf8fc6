"""One trial: a training that tells its objective as it goes, and how it ended."""

import json
import math
import shutil
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import datasets

from finetune.calls import place
from finetune.config.train import TrainConfig
from finetune.errors import FinetuneError, TuneError
from finetune.evaluation.direction import best_point
from finetune.evaluation.scores import default_metrics
from finetune.functions import load_functions
from finetune.job.hosts import hosts_of
from finetune.training.launch import processes_of
from finetune.training.reporting import GivenUp, Reporting
from finetune.training.spec import TrainingSpec
from finetune.training.train import train, train_here
from finetune.tuning.exchange import Exchange, Outcome
from finetune.tuning.journal import State


@dataclass(frozen=True)
class Trial:
    """What the process of a trial must know."""

    functions: str
    """Folder of experiments/."""
    labels: list[str]
    model: dict[str, Any]
    settings: dict[str, Any]
    """The train section; in both sections stand the trial's parameters."""
    objective: str
    checkpoints: str
    """A local folder."""
    target: str
    """A local folder for the model, which nobody keeps."""
    exchange: str = ""
    """The trial's folder in the experiment home; empty where nobody looks there."""

    def to_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Trial":
        """The same again."""
        return cls(**json.loads(text))


def carry_out(trial: Trial, prepared: datasets.DatasetDict) -> Outcome:
    """Trains, from the trial's last checkpoint on, and leaves word of how it ended; an error is an end like others.

    Raises:
        TrainingStopped: SIGINT or SIGTERM came; what was done is saved, and there is no end yet.
    """
    exchange = Exchange(trial.exchange)
    try:
        reporting = Reporting(trial.objective, exchange.tell, exchange.is_asked_to_stop)
        outcome = Outcome(State.COMPLETED, train_trial(trial, prepared, reporting))
    except GivenUp:
        outcome = Outcome(State.PRUNED)
    except FinetuneError as error:
        outcome = Outcome(State.FAILED, reason=str(error))
    except (Exception, SystemExit) as error:  # SystemExit: a function may call sys.exit
        traceback.print_exc()
        outcome = Outcome(State.FAILED, reason=f"{place(error)}{type(error).__name__}: {error}")
    exchange.end(outcome)
    shutil.rmtree(trial.checkpoints, ignore_errors=True)
    shutil.rmtree(trial.target, ignore_errors=True)
    return outcome


def train_trial(trial: Trial, prepared: datasets.DatasetDict, reporting: Reporting) -> float:
    """Trains, and gives the objective at the validation whose checkpoint is kept.

    Of a training in several processes none reports: such a trial goes to its end.
    """
    loaded, settings = load_functions(trial.functions), TrainConfig.model_validate(trial.settings)
    spec = TrainingSpec(
        labels=trial.labels,
        functions=trial.functions,
        get_model=loaded.get_model,
        compute_metrics=loaded.compute_metrics or default_metrics,
        model=trial.model,
        settings=settings,
        checkpoints=Path(trial.checkpoints),
        target=Path(trial.target),
    )
    hosts = hosts_of()
    if (hosts is None or len(hosts.names) == 1) and processes_of(settings.processes) == 1:
        trained = train_here(prepared, spec, callbacks=[reporting])
    else:
        trained = train(prepared, spec)
    return value_of(trained.history, trial.objective, settings.best_metric)


def value_of(history: list[dict[str, float]], objective: str, best_metric: str) -> float:
    """The objective at the validation whose checkpoint is kept.

    Raises:
        TuneError: There is none, or it is not finite.
    """
    kept = best_point(history, best_metric) or {}
    value = kept.get(f"validation_{objective}", math.nan)
    if not math.isfinite(value):
        found = ", ".join(name.removeprefix("validation_") for name in kept if name.startswith("validation_"))
        raise TuneError(f"tune.objective: {objective} is {value} after training; validation gives {found or 'nothing'}")
    return value
