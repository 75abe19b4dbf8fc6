from typing import Any

import pytest

from finetune.facts import facts_of

COMPOSED = {"experiment": "EXP-1-x", "run_number": 7, "started": "at noon"}
SCHEDULED = {"experiment": "EXP-1-x"}
LOGGED = {"run_number": 3, "started": "at six", "pipeline_execution_arn": "arn"}


@pytest.mark.parametrize(
    ("composed", "logged", "facts"),
    [
        (COMPOSED, {}, COMPOSED),
        (COMPOSED, LOGGED, COMPOSED),
        (SCHEDULED, {}, SCHEDULED),
        (SCHEDULED, LOGGED, SCHEDULED | {"run_number": 3, "started": "at six"}),
    ],
    ids=["followed", "followed, with metadata", "scheduled, has not begun", "scheduled, has claimed"],
)
def test_what_a_scheduled_run_claimed_is_added_to_what_its_pipeline_was_composed_with(
    composed: dict[str, Any], logged: dict[str, Any], facts: dict[str, Any]
) -> None:
    assert facts_of(composed, logged) == facts
