import pytest

from finetune.errors import ConfigError
from stacks.cron import aws_cron


@pytest.mark.parametrize(
    "text", ["0 6 ? * MON-FRI *", "cron(0 6 ? * MON-FRI *)", "  0  6 ? * MON-FRI * "], ids=["bare", "as AWS", "spaces"]
)
def test_the_six_fields_of_aws_are_taken(text: str) -> None:
    assert aws_cron(text) == "0 6 ? * MON-FRI *"


@pytest.mark.parametrize("text", ["0 6 * * 1", "", "0 6 ? * MON-FRI * *", "0 6 ? * MON;FRI *"])
def test_other_forms_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match="must be the six fields of AWS .* such as .0 6 ") as caught:
        aws_cron(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["0 6 * * * *", "0 6 ? * ? *"])
def test_exactly_one_kind_of_day_is_left_open(text: str) -> None:
    with pytest.raises(ConfigError, match="one of day of month and day of week must be"):
        aws_cron(text)
