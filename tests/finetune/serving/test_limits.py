import pytest

from finetune.errors import ServeError
from finetune.serving.limits import Limits, limits

MB = 2**20


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Limits(25 * MB, 10_000)),
        ({"FINETUNE_REQUEST_MB": "2", "FINETUNE_REQUEST_INSTANCES": "7"}, Limits(2 * MB, 7)),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "100"}, Limits(100 * MB)),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}, Limits()),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "100", "FINETUNE_REQUEST_MB": "3"}, Limits(3 * MB)),
    ],
)
def test_the_environment_sets_limits(environment: dict[str, str], expected: Limits) -> None:
    assert limits(environment) == expected


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "²"])
def test_a_limit_that_is_no_number_above_0_is_refused(value: str) -> None:
    with pytest.raises(ServeError, match="FINETUNE_REQUEST_MB: must be a whole number above 0, but got"):
        limits({"FINETUNE_REQUEST_MB": value})
