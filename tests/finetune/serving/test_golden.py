import math

import pytest

from finetune.errors import ServeError
from finetune.serving.golden import check_golden
from finetune.serving.refused import Rejected

GOLDEN = [{"probabilities": {"low": 0.25, "high": 0.75}}, {"probabilities": {"low": 0.5, "high": 0.5}}]


def test_answers_within_the_tolerance_pass() -> None:
    check_golden(
        GOLDEN, [{"low": 0.25009, "high": 0.74991}, {"low": 0.5, "high": 0.5}], {"torch": "said at failure only"}
    )


def test_answers_that_differ_are_told_with_both_values_and_with_the_packages_that_differ() -> None:
    answers = [{"low": 0.2502, "high": 0.7498}, Rejected("encode_data raised")]
    with pytest.raises(ServeError) as caught:
        check_golden(GOLDEN, answers, {"torch": "2.13.0 here, packed with 2.12.0"})
    lines = str(caught.value).splitlines()
    assert lines[1:5] == [
        "  golden request 0: low: 0.250200, but was 0.250000",
        "  golden request 0: high: 0.749800, but was 0.750000",
        "  golden request 1: no answer: encode_data raised",
        "installed packages are others, too:",
    ]
    assert lines[5] == "  torch: 2.13.0 here, packed with 2.12.0"


def test_what_is_no_number_differs() -> None:
    with pytest.raises(ServeError, match="low: nan, but was 0.250000"):
        check_golden(GOLDEN[:1], [{"low": math.nan, "high": 0.75}], {})
