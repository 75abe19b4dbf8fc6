"""Pipelines whose steps fail."""

from zenml import pipeline

from steps.work import expiring, full, hungry, late, poor


@pipeline(name="grief", enable_cache=False)
def grief() -> None:
    """Steps side by side, each with machines of its own."""
    hungry()
    full()
    late()
    poor()


@pipeline(name="expiry", enable_cache=False)
def expiry(place: str) -> None:
    """A step of the orchestrator that reads from S3."""
    expiring(place=place)
