"""Ends a run of several models: it has failed where one of them did, though the others were compared."""

from typing import Any

from zenml import step

from finetune.errors import CompareError
from steps.work import working


@step
def conclude(comparison: dict[str, Any]) -> None:
    """Names the models that failed.

    Raises:
        CompareError: There are any.
    """
    with working():
        failures = comparison["failures"]
        if failures:
            listed = "".join(f"\n  models.{model}: {each['step']}: {each['error']}" for model, each in failures.items())
            count = f"{len(failures)} of {len(comparison['models'])} models failed"
            raise CompareError(f"{count}; the report of the comparison has the others:{listed}")
