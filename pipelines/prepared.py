"""The dataset of each model: prepared by one step, or by one for each group of ids and a merge."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from finetune.config.experiment import ExperimentConfig
from finetune.config.model import ModelConfig
from finetune.experiment import Home
from finetune.invocations import merging, preparations
from pipelines.groups import encode_groups
from steps.divide import divide
from steps.merge import merge
from steps.prepare import prepare

Group = Mapping[str, Any]
Prepared = tuple[Any, Any]
"""The artifacts of a dataset and of what is known of its preparation."""


def prepare_all(
    manifest: Any, home: Home, settings: ExperimentConfig, code: Mapping[str, str], groups: Sequence[Group], after: Any
) -> dict[str, Prepared]:
    """What each model trains on, by the model's name; models that encode alike share it.

    Args:
        manifest: The artifact with the ids.
        home: The experiment home.
        settings: The experiment's config.
        code: The hash of the code that each step depends on.
        groups: The models that share a dataset, as finetune/prepare/alike.py tells them.
        after: What must have ended before, if anything.
    """
    names = preparations([group["models"] for group in groups])
    prepare_each = _whole if settings.prepare.shards is None else _in_shards
    made = prepare_each(manifest, home, settings, code, dict(zip(names, groups, strict=True)), after)
    return {model: each for group, each in zip(groups, made, strict=True) for model in group["models"]}


def _whole(
    manifest: Any,
    home: Home,
    settings: ExperimentConfig,
    code: Mapping[str, str],
    groups: Mapping[str, Group],
    after: Any,
) -> Iterator[Prepared]:
    named = prepare.with_options(substitutions={"dataset_name": settings.prepare.dataset_name})
    for name, group in groups.items():
        yield named(
            manifest=manifest,
            home=home,
            files_at_home=settings.files_at_home,
            settings=settings.prepare,
            model=ModelConfig.model_validate(group["section"]),
            differing=group["differing"],
            functions=settings.functions,
            code=code["prepare"],
            id=name,
            after=after,
        )


def _in_shards(
    manifest: Any,
    home: Home,
    settings: ExperimentConfig,
    code: Mapping[str, str],
    groups: Mapping[str, Group],
    after: Any,
) -> Iterator[Prepared]:
    """Selection and split are decided once, for all models."""
    plan = divide(
        manifest=manifest,
        home=home,
        files_at_home=settings.files_at_home,
        settings=settings.prepare,
        code=code["divide"],
        after=after,
    )
    named = merge.with_options(substitutions={"dataset_name": settings.prepare.dataset_name})
    for name, group in groups.items():
        yield named(
            plan=plan,
            groups=encode_groups(plan, name, home, str(home.reconciled), settings, group, code["encode_group"]),
            manifest=manifest,
            home=home,
            settings=settings.prepare,
            code=code["merge"],
            id=merging(name),
        )
