"""The trial's pipeline."""

from zenml import pipeline

from steps.work import first, train


@pipeline(name="trial", enable_cache=False)
def trial(how: str, seconds: float) -> None:
    """A step of the orchestrator, then one with machines of its own."""
    train(number=first(how=how), seconds=seconds)
