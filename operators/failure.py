"""Leaves a step's error where SageMaker looks for the reason of a job's failure."""

from collections.abc import Iterator
from contextlib import contextmanager

from finetune.job.failure import FAILURE, shorten


@contextmanager
def failure_told() -> Iterator[None]:
    """Around a step: its error becomes the job's FailureReason."""
    try:
        yield
    except Exception as error:
        if FAILURE.parent.is_dir():
            FAILURE.write_text(shorten(error), encoding="utf-8")
        raise
