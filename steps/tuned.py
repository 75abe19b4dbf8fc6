"""What a step that carried out a study hands on: the best parameters, the trials and the report."""

from typing import Any

from zenml import log_metadata
from zenml.types import HTMLString

from finetune.tuning.tune import Tuned
from steps.tracking import tracked


def hand_on(tuned: Tuned) -> tuple[dict[str, Any], dict[str, Any], HTMLString]:
    """The step's outputs; metadata and trackers are told, too."""
    result = tuned.result
    log_metadata({result.objective: result.value, "completed": result.completed, "failed": result.failed})
    with tracked() as trackers:
        trackers.file("tuning.html", tuned.page.encode())
    return result.best, result.to_dict(), HTMLString(tuned.page)
