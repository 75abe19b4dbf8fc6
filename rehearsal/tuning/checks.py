"""What the service checks before it accepts a tuning job, beyond the shape of the request."""

from typing import Any

from rehearsal.errors import ServiceError
from rehearsal.tuning.definition import resources
from rehearsal.tuning.propose import Choice, Number, Range, combinations, ranges_of

Request = dict[str, Any]
NOT_REHEARSED = ("TrainingJobDefinitions", "WarmStartConfig", "Autotune")


def check_tuning(request: Request) -> None:
    """Checks strategy, objective, ranges and limits.

    Raises:
        ServiceError: As AWS answers, or the request asks for what is not rehearsed.
    """
    _check_rehearsed(request)
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    _check_objective(config, definition)
    ranges = _ranges(config)
    _check_names(ranges, definition)
    for each in ranges:
        _check_choice(each) if isinstance(each, Choice) else _check_number(each)
    _check_strategy(config, ranges)
    _check_limits(config["ResourceLimits"], combinations(ranges))


def _check_rehearsed(request: Request) -> None:
    definition = request.get("TrainingJobDefinition") or {}
    ranges = request["HyperParameterTuningJobConfig"].get("ParameterRanges") or {}
    asked = {name: request.get(name) for name in NOT_REHEARSED}
    asked["AutoParameters"] = ranges.get("AutoParameters")
    for name, value in asked.items():
        if value:
            raise _refused(f"{name}: the rehearsal tunes one TrainingJobDefinition with given ranges")
    if not resources(definition).get("InstanceType"):
        raise _refused("TrainingJobDefinition must be specified, with the InstanceType of its ResourceConfig.")


def _check_objective(config: Request, definition: Request) -> None:
    objective = config.get("HyperParameterTuningJobObjective") or {}
    metrics = definition["AlgorithmSpecification"].get("MetricDefinitions") or []
    if objective.get("MetricName") not in [each["Name"] for each in metrics]:
        raise _refused(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric "
            "definitions."
        )


def _ranges(config: Request) -> list[Range]:
    try:
        ranges = ranges_of(config.get("ParameterRanges") or {})
    except ValueError as error:
        raise _refused(f"Invalid bound of a hyperparameter range: {error}") from error
    if not ranges:
        raise _refused("At least one hyperparameter range must be specified.")
    return ranges


def _check_names(ranges: list[Range], definition: Request) -> None:
    names = [each.name for each in ranges] + list(definition.get("StaticHyperParameters") or {})
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _refused(f"Hyperparameters must be given once, as a range or as a static value: {', '.join(twice)}")


def _check_choice(choice: Choice) -> None:
    if len(set(choice.values)) < len(choice.values):
        raise _refused(f"The values of the categorical range {choice.name} must be unique.")


def _check_number(number: Number) -> None:
    scaling, least, most = number.scaling, number.least, number.most
    if not float("-inf") < least < most < float("inf"):
        raise _refused(f"The range {number.name} must have a MinValue that is less than its MaxValue.")
    if scaling == "Logarithmic" and least <= 0:
        raise _refused(f"Logarithmic scaling of {number.name} requires a MinValue greater than 0.")
    if scaling == "ReverseLogarithmic" and (number.whole or least < 0 or most >= 1):
        raise _refused(f"Reverse logarithmic scaling of {number.name} requires a range within 0<=x<1.0.")


def _check_strategy(config: Request, ranges: list[Range]) -> None:
    strategy, most = config["Strategy"], config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if strategy == "Hyperband" and config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise _refused("TrainingJobEarlyStoppingType must be OFF to use Hyperband.")
    if strategy != "Grid":
        return
    if any(isinstance(each, Number) for each in ranges):
        raise _refused("Grid search takes categorical ranges only.")
    if most not in (None, combinations(ranges)):
        raise _refused(f"Grid search runs one training job per combination: {int(combinations(ranges))}, not {most}.")


def _check_limits(limits: Request, count: float) -> None:
    most = limits.get("MaxNumberOfTrainingJobs")
    if most is not None and most > count:
        raise _refused(
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter "
            f"combinations for the provided ranges [{count}] must be equal or greater than the value of "
            f"MaxNumberOfJobs, [{most}]. Provide additional ranges."
        )


def _refused(text: str) -> ServiceError:
    return ServiceError("ValidationException", text)
