"""Searches the best parameters on this machine: the controller in this process, each trial in one of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import datasets

from finetune.config.train import TrainConfig
from finetune.config.tune import TuneConfig
from finetune.errors import TuneError
from finetune.evaluation.direction import lower_is_better
from finetune.storage.uri import Place
from finetune.training.devices import gpus
from finetune.tuning.controller import Controller, Handle
from finetune.tuning.journal import Journal, Record, State
from finetune.tuning.limits import completed_best
from finetune.tuning.processes import Processes
from finetune.tuning.report import build_page
from finetune.tuning.result import StudyResult, result_of
from finetune.tuning.space import defaults, section
from finetune.tuning.study import Study
from finetune.tuning.trial import Trial

POLL_S = 0.2


@dataclass(frozen=True)
class Tuned:
    """What a study came to."""

    result: StudyResult
    page: str
    """Its report, a whole HTML document."""


def tune(
    prepared: datasets.DatasetDict,
    *,
    run: Mapping[str, Any],
    labels: list[str],
    functions: str,
    model: dict[str, Any],
    train: TrainConfig,
    settings: TuneConfig,
    place: Place,
    checkpoints: Path,
    scratch: Path,
) -> Tuned:
    """Carries out a study, from where it stands.

    Args:
        prepared: Splits train and validation, as `train` takes them.
        run: experiment, run_number, stack and started of the run, for the report.
        labels: Label names in order of class id.
        functions: Name of the experiment's functions.
        model: The config's model section.
        train: The config's train section.
        settings: The config's tune section.
        place: The study's folder in the experiment home.
        checkpoints: A local folder for those of the trials.
        scratch: A local folder.

    Raises:
        StudyStopped: SIGINT or SIGTERM came; what was done is kept.
        TuneError: No trial gave a value.
    """
    journal, plain = Journal(place), train.model_dump(mode="json")

    def describe(record: Record, folder: Path) -> Trial:
        return Trial(
            functions=functions,
            labels=labels,
            model=section("model", model, record.params),
            settings=section("train", plain, record.params),
            objective=objective_of(settings, train),
            exchange=journal.folder(record.number),
            checkpoints=str(checkpoints / str(record.number)),
            target=str(folder / "model"),
        )

    processes = Processes(describe, prepared, scratch=scratch, parallel=settings.parallel, gpus=gpus())
    controller_of(settings, train, model, journal, processes.start, POLL_S).run()
    return summed_up(run, model, train, settings, place)


def controller_of(
    settings: TuneConfig,
    train: TrainConfig,
    model: dict[str, Any],
    journal: Journal,
    start: Callable[[Record], Handle],
    poll_s: float,
) -> Controller:
    """The controller of a study whose trials are started by `start`."""
    return Controller(
        settings,
        default=defaults(settings.space, train.model_dump(mode="json"), model),
        lower_is_better=lower_is_better(objective_of(settings, train)),
        journal=journal,
        start=start,
        poll_s=poll_s,
    )


def summed_up(
    run: Mapping[str, Any], model: dict[str, Any], train: TrainConfig, settings: TuneConfig, place: Place
) -> Tuned:
    """What the study in a journal came to, of which at least one trial is completed."""

    def start(record: Record) -> Handle:
        raise TuneError(f"tune: trial {record.number} of {place} has not ended")

    controller = controller_of(settings, train, model, Journal(place), start, POLL_S)
    result = result_of(objective_of(settings, train), controller.best(), controller.records)
    return Tuned(result, build_page(result, controller.study.optuna, run))


def tuned_by(
    records: Sequence[Record], run: Mapping[str, Any], model: dict[str, Any], train: TrainConfig, settings: TuneConfig
) -> Tuned:
    """What a study came to that was carried out elsewhere.

    Raises:
        TuneError: No trial is completed.
    """
    objective = objective_of(settings, train)
    winner = completed_best(records, lower_is_better=lower_is_better(objective))
    study = Study(settings, {}, lower_is_better=lower_is_better(objective))
    for number, record in enumerate(record for record in records if record.state is not State.RUNNING):
        study.take_up(replace(record, number=number))
    result = result_of(objective, winner, records)
    return Tuned(result, build_page(result, study.optuna, run))


def objective_of(settings: TuneConfig, train: TrainConfig) -> str:
    """The metric that a study is about."""
    return settings.objective or train.best_metric
