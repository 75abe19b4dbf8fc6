"""Trains a model on the train split and keeps the checkpoint that is best on the validation split."""

from collections.abc import Sequence
from dataclasses import dataclass

import datasets
from transformers import TrainerCallback

from finetune.evaluation.direction import best_point
from finetune.job.hosts import hosts_of
from finetune.prepare.columns import GUID, LABELS
from finetune.progress import say
from finetune.tracking.settings import Tracking
from finetune.tracking.trackers import opened
from finetune.training.checkpoints import Checkpoints
from finetune.training.fit import Agree, fit, padding_of
from finetune.training.launch import processes_of
from finetune.training.model_folder import ModelFacts, save
from finetune.training.points import TrackPoints, history_of
from finetune.training.precision import choose_precision
from finetune.training.spec import TrainingSpec
from finetune.training.together import train_together
from finetune.training.told import kept_line
from finetune.training.work import Work


@dataclass(frozen=True)
class Trained:
    """What training left behind beside the model folder."""

    history: list[dict[str, float]]
    """Points of the loss curve in order of step: step, epoch, and loss or validation_loss with its metrics."""
    precision: str
    seconds: float
    """Time in the training loop, validations and checkpoints included, since it began or last went on."""
    examples_per_second: float


def train(prepared: datasets.DatasetDict, spec: TrainingSpec, tracking: Tracking | None = None) -> Trained:
    """Trains, in as many processes as the settings and the job's machines say, and writes the best model into a folder.

    Args:
        prepared: Splits train and validation with the columns guid, labels and the other features.
        spec: The training.
        tracking: Trackers that the first process hands the points to, and what it is to tell them; None is no tracker.

    Raises:
        TrainError: The loss is not finite, memory or the disk runs out, a checkpoint does not fit, or a process failed.
        TrainingStopped: SIGINT or SIGTERM came; what was done is saved.
        FunctionsError: get_model or compute_metrics raised, the latter does not return best_metric, or the model breaks
            its contract.
    """
    hosts, processes = hosts_of(), processes_of(spec.settings.processes)
    machines = 1 if hosts is None else len(hosts.names)
    if machines * processes == 1 and not spec.settings.accelerate:  # its settings are read at a process's start
        with opened(tracking) as trackers:
            return train_here(prepared, spec, callbacks=[TrackPoints(trackers)])
    settled = spec.settings.model_dump(mode="json")
    tracked = None if tracking is None else tracking.to_dict()
    places = (str(spec.checkpoints), str(spec.target))
    work = Work(spec.functions, spec.labels, spec.model, settled, processes, *places, spec.code, tracked)
    return Trained(**train_together(work, prepared, hosts))


def train_here(
    prepared: datasets.DatasetDict,
    spec: TrainingSpec,
    agree: Agree = Checkpoints.newest,
    callbacks: Sequence[TrainerCallback] = (),
) -> Trained:
    """Trains in this process, alone or as one of several; the first one writes the model. See `train`.

    `agree` gives the checkpoint that all processes go on from; `callbacks` are called beside the usual ones.
    """
    fitted, settings = fit(prepared, spec, agree, callbacks), spec.settings
    history = history_of(fitted.log)
    if fitted.leads:
        if best := best_point(history, settings.best_metric):
            say(kept_line(best, settings.best_metric))
        inputs = [name for name in prepared["train"].column_names if name not in (GUID, LABELS)]
        facts = ModelFacts(spec.functions, spec.model, spec.labels, inputs, padding_of(spec.model, settings), spec.code)
        save(spec.target, fitted.model, facts)
    return Trained(history, choose_precision(settings.precision), fitted.seconds, fitted.examples / fitted.seconds)
