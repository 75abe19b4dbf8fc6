import copy
from typing import Any

import pytest

from rehearsal.errors import ServiceError
from rehearsal.tuning.checks import check_tuning

BOUNDS = {"MinValue": "1", "MaxValue": "3"}
REQUEST: dict[str, Any] = {
    "HyperParameterTuningJobName": "t",
    "HyperParameterTuningJobConfig": {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {
            "IntegerParameterRanges": [{"Name": "layers", **BOUNDS}],
            "CategoricalParameterRanges": [{"Name": "kind", "Values": ["x", "y"]}],
        },
    },
    "TrainingJobDefinition": {
        "StaticHyperParameters": {"epochs": "3"},
        "AlgorithmSpecification": {"MetricDefinitions": [{"Name": "score", "Regex": "score=(.*)"}]},
        "ResourceConfig": {"InstanceType": "ml.m5.large"},
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The request with the member at a path replaced."""
    request = copy.deepcopy(REQUEST)
    *above, last = path.split(".")
    place = request
    for name in above:
        place = place[name]
    place[last] = value
    return request


CONFIG, DEFINITION = "HyperParameterTuningJobConfig", "TrainingJobDefinition"
RANGES = f"{CONFIG}.ParameterRanges"


def continuous(least: str, most: str, scaling: str) -> list[dict[str, str]]:
    return [{"Name": "lr", "MinValue": least, "MaxValue": most, "ScalingType": scaling}]


def test_what_is_right_passes() -> None:
    check_tuning(REQUEST)
    check_tuning(changed(f"{RANGES}.ContinuousParameterRanges", continuous("0", "0.9", "ReverseLogarithmic")))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("WarmStartConfig", {"ParentHyperParameterTuningJobs": []}, "WarmStartConfig: the rehearsal tunes one"),
        ("TrainingJobDefinitions", [{}], "TrainingJobDefinitions: the rehearsal"),
        (DEFINITION, {}, "TrainingJobDefinition must be specified"),
        (f"{RANGES}.AutoParameters", [{"Name": "a", "ValueHint": "1"}], "AutoParameters"),
        (f"{DEFINITION}.AlgorithmSpecification", {}, "Provide a metric in the metric definitions"),
        (
            f"{CONFIG}.HyperParameterTuningJobObjective",
            {"Type": "Maximize", "MetricName": "f1"},
            "A metric is required",
        ),
        (RANGES, {}, "At least one hyperparameter range"),
        (f"{RANGES}.IntegerParameterRanges", [{"Name": "n", "MinValue": "a", "MaxValue": "3"}], "Invalid bound"),
        (f"{RANGES}.IntegerParameterRanges", [{"Name": "epochs", **BOUNDS}], "once, .*: epochs"),
        (f"{RANGES}.CategoricalParameterRanges", [{"Name": "c", "Values": ["x", "x"]}], "c must be unique"),
        (f"{RANGES}.ContinuousParameterRanges", continuous("1", "1", "Linear"), "lr must have a MinValue"),
        (f"{RANGES}.ContinuousParameterRanges", continuous("0", "nan", "Linear"), "lr must have a MinValue"),
        (f"{RANGES}.ContinuousParameterRanges", continuous("0", "1", "Logarithmic"), "greater than 0"),
        (f"{RANGES}.ContinuousParameterRanges", continuous("0", "1", "ReverseLogarithmic"), "0<=x<1.0"),
        (f"{CONFIG}.Strategy", "Grid", "categorical ranges only"),
        (f"{CONFIG}.ResourceLimits", {"MaxNumberOfTrainingJobs": 7}, r"provided ranges \[6.0\] .* \[7\]"),
    ],
)
def test_what_is_wrong_is_refused(path: str, value: Any, said: str) -> None:
    with pytest.raises(ServiceError, match=said) as caught:
        check_tuning(changed(path, value))
    assert caught.value.code == "ValidationException"


def test_a_grid_runs_all_combinations_and_hyperband_stops_by_itself() -> None:
    request = changed(f"{RANGES}.IntegerParameterRanges", [])
    config = request["HyperParameterTuningJobConfig"]
    config["Strategy"] = "Grid"
    with pytest.raises(ServiceError, match="one training job per combination: 2, not 4"):
        check_tuning(request)
    config["ResourceLimits"]["MaxNumberOfTrainingJobs"] = 2
    check_tuning(request)
    del config["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    check_tuning(request)
    config |= {"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"}
    with pytest.raises(ServiceError, match="must be OFF"):
        check_tuning(request)
