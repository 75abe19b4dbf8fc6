"""The request that makes one SageMaker hyperparameter tuning job out of a study, its machines and the account. Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetune.config.compute import MachinesConfig
from finetune.config.tune import DistributionConfig, TuneConfig
from finetune.tuning.engine import CHANNEL, LEAST_S, LEAST_STOP, OBJECTIVE, points_of
from finetune.tuning.space import bounds
from finetune.tuning.texts import to_text
from operators.request import AccountSettings, training_request

COMMAND = ["python", "-m", "finetune.tuning.training_job"]
STRATEGIES = {"tpe": "Bayesian", "random": "Random", "grid": "Grid"}
MOST_VARIABLES = 48
"""Of a tuning job's training jobs; other training jobs have twice as many."""
NOT_HERE = ("TrainingJobName", "Tags")
"""Members of a training job's request that a definition has not: the tuning job names and tags its training jobs."""
TICKET = re.compile(r"[A-Z][A-Z0-9]*-[0-9]+")
TICKET_LETTERS, DIGITS = 12, 8


@dataclass(frozen=True)
class Wanted:
    """One tuning job of a study."""

    name: str
    image: str
    machines: MachinesConfig
    account: AccountSettings
    place: str
    """S3 prefix of the study: `input` below it holds work and dataset, `checkpoints` those of spare capacity."""
    settings: TuneConfig
    lower_is_better: bool
    tags: Mapping[str, str]
    attempt: int = 1
    """Counts the tuning jobs of the study."""
    trials: int = 1
    """Training jobs that are left for this one."""
    seconds: float | None = None
    """Time that is left."""


def ticket_of(name: str) -> str:
    """What the names of an experiment's tuning jobs begin with, from its own name or that of a run."""
    found = TICKET.match(name)
    return (found[0] if found else name)[:TICKET_LETTERS].strip("-")


def tuning_name(root: str, experiment: str, run_number: int, key: str) -> str:
    """The name of a study's tuning jobs, to which `-1`, `-2` is added: SageMaker takes 32 letters.

    Args:
        root: Where the experiment home lies.
        experiment: The experiment's name.
        run_number: The run's.
        key: Beginning of the step's cache key.
    """
    digest = hashlib.sha256("\0".join((root, experiment, str(run_number), key)).encode()).hexdigest()[:DIGITS]
    return f"{ticket_of(experiment)}-{run_number}-{digest}"


def tuning_request(wanted: Wanted) -> dict[str, Any]:
    """The arguments of create_hyper_parameter_tuning_job.

    Raises:
        ComputeError: The environment is too large.
    """
    job = training_request(
        wanted.name,
        image=wanted.image,
        command=COMMAND,
        environment={},
        machines=wanted.machines,
        account=wanted.account,
        checkpoints=f"{wanted.place}/checkpoints",
        tags=wanted.tags,
        most_variables=MOST_VARIABLES,
    )
    return {
        "HyperParameterTuningJobName": wanted.name,
        "HyperParameterTuningJobConfig": _config(wanted),
        "TrainingJobDefinition": _definition(job, wanted),
        "Tags": job["Tags"],
    }


def _config(wanted: Wanted) -> dict[str, Any]:
    settings = wanted.settings
    limits: dict[str, Any] = {
        "MaxNumberOfTrainingJobs": wanted.trials,
        "MaxParallelTrainingJobs": min(settings.parallel, wanted.trials),
    }
    if settings.sampler == "grid":
        limits["MaxNumberOfTrainingJobs"] = int(points_of(settings))
    if wanted.seconds is not None:
        limits["MaxRuntimeInSeconds"] = max(LEAST_S, round(wanted.seconds))
    config = {
        "Strategy": STRATEGIES[settings.sampler],
        "HyperParameterTuningJobObjective": {
            "Type": "Minimize" if wanted.lower_is_better else "Maximize",
            "MetricName": OBJECTIVE,
        },
        "ResourceLimits": limits,
        "ParameterRanges": _ranges(settings.space),
        "TrainingJobEarlyStoppingType": "Off" if settings.pruner == "none" else "Auto",
        # Another seed for each: what was tried before it was stopped would come again.
        "RandomSeed": (settings.seed + wanted.attempt - 1) % 2**31,
    }
    if settings.early_stop is not None:
        patience = {"MaxNumberOfTrainingJobsNotImproving": max(LEAST_STOP, settings.early_stop)}
        config["TuningJobCompletionCriteria"] = {"BestObjectiveNotImproving": patience}
    return config


def _ranges(space: Mapping[str, DistributionConfig]) -> dict[str, Any]:
    ranges: dict[str, list[dict[str, Any]]] = {
        "IntegerParameterRanges": [],
        "ContinuousParameterRanges": [],
        "CategoricalParameterRanges": [],
    }
    for name, each in space.items():
        if each.choice is not None:
            values = [to_text(value) for value in each.choice]
            ranges["CategoricalParameterRanges"].append({"Name": name, "Values": values})
            continue
        low, high = bounds(each)
        kind = "Continuous" if each.int is None else "Integer"
        scaling = "Linear" if each.log_uniform is None else "Logarithmic"
        ends = {"MinValue": to_text(low), "MaxValue": to_text(high)}
        ranges[f"{kind}ParameterRanges"].append({"Name": name, **ends, "ScalingType": scaling})
    return {kind: found for kind, found in ranges.items() if found}


def _definition(job: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    definition = {member: value for member, value in job.items() if member not in NOT_HERE}
    algorithm = definition["AlgorithmSpecification"]
    # A tuning job cannot name the program: SageMaker starts the image's `train`.
    definition["AlgorithmSpecification"] = {
        "TrainingImage": algorithm["TrainingImage"],
        "TrainingInputMode": algorithm["TrainingInputMode"],
        "MetricDefinitions": [
            *algorithm["MetricDefinitions"],
            {"Name": OBJECTIVE, "Regex": f"{OBJECTIVE}=(.*?);"},
        ],
    }
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{wanted.place}/input", "S3DataDistributionType": "FullyReplicated"}
    study = {"ChannelName": CHANNEL, "DataSource": {"S3DataSource": source}, "InputMode": "File"}
    definition["InputDataConfig"] = [*definition.get("InputDataConfig", []), study]
    if not wanted.machines.spot:  # nothing starts such a job again, and it would bring the checkpoints of all others
        del definition["CheckpointConfig"]
    return definition
