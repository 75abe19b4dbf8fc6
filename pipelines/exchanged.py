"""Indirect exchange: the dataset goes into a feature group, and what trains on it fetches it by the group's name."""

from typing import Any

from zenml.execution.pipeline.dynamic.run_context import DynamicPipelineRunContext

from finetune.config.experiment import ExperimentConfig
from finetune.experiment import Home
from steps.fetch_dataset import fetch_dataset
from steps.ingest_dataset import ingest_dataset


def exchanged(dataset: Any, preparation: Any, manifest: Any, home: Home, settings: ExperimentConfig) -> tuple[Any, Any]:
    """The artifacts of the dataset as it was fetched, and of its preparation; no data pass between the two steps.

    Args:
        dataset: The artifact of the dataset that prepare made.
        preparation: That of what is known of it.
        manifest: That of the ids.
        home: The experiment home.
        settings: The experiment's config.
    """
    group = settings.features.group
    ingest_dataset(dataset=dataset, manifest=manifest, home=home, group=group, id="ingest")
    fetched = fetch_dataset(
        preparation=preparation,
        manifest=manifest,
        home=home,
        settings=settings.prepare,
        group=group,
        functions=settings.functions,
        id="fetch",
        after=ended("ingest"),
    )
    return fetched, preparation


def ended(step: str) -> str | None:
    """What `after` takes to wait for a step; a dynamic pipeline needs no word: it runs its steps in their order."""
    return None if DynamicPipelineRunContext.get() is not None else step
