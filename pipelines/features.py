"""The pipeline `features`: survey, encode in groups, merge into one table, ingest into a feature group if asked."""

from typing import Any

from zenml import pipeline

from finetune.config.experiment import ExperimentConfig
from finetune.experiment import Home
from pipelines.groups import encode_groups
from steps.ingest import ingest
from steps.survey import survey
from steps.tabulate import tabulate

CALLS = {"survey": (), "encode_group": ("get_dataset_features", "encode_data"), "tabulate": ()}
"""The functions that each step calls."""


def table(config: dict[str, Any], code: dict[str, str], groups: list[dict[str, Any]]) -> None:
    """The steps of one experiment, called by a pipeline.

    Args:
        config: Its resolved config.
        code: The hash of the code that each step depends on.
        groups: The one model section, as finetune/prepare/alike.py tells it.
    """
    settings = ExperimentConfig.model_validate(config)
    home = Home(settings.root, settings.experiment)
    plan = survey(production=settings.production, home=home, settings=settings.prepare)
    encoded = encode_groups(plan, "prepare", home, settings.production.files, settings, groups[0], code["encode_group"])
    rows, _, _ = tabulate(
        plan=plan,
        groups=encoded,
        home=home,
        settings=settings.prepare,
        features=settings.features,
        code=code["tabulate"],
        id="merge",
    )
    if settings.features.group is not None:
        ingest(table=rows, home=home, group=settings.features.group)


@pipeline(name="features", enable_cache=True)
def features(config: dict[str, Any], code: dict[str, str], groups: list[dict[str, Any]]) -> None:
    """Runs one experiment; takes what `table` takes."""
    table(config, code, groups)
