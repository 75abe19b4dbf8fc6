"""`--check`: validates config, functions and sources, and tries the functions. It starts and publishes nothing."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.activate import sign_in
from cli.compose import groups_of
from cli.few_records import few_records
from cli.reach import REHEARSAL, reached
from cli.sample import build_sample, unpublished
from finetune.config.experiment import ExperimentConfig
from finetune.config.features import GroupConfig
from finetune.config.load import load_config
from finetune.config.model import ModelConfig
from finetune.config.shards import RULES
from finetune.errors import ConfigError, UnreachableError
from finetune.functions import NEEDED, Functions, check_functions
from finetune.progress import say
from finetune.storage.uri import is_s3, to_place
from finetune.tracking.check import check_tracking
from finetune.tuning.space import key as key_of
from finetune.tuning.space import part
from finetune.words import counted
from stacks.engine import check_engine
from stacks.files import load_stack
from stacks.place import place
from stacks.secrets import check_references
from stacks.values import Values

if TYPE_CHECKING:
    from finetune.training.trial import Tried


def check(config_file: str, overrides: Sequence[str], stack: str) -> int:
    """Checks and says so; errors are raised."""
    say(f"checking config, functions and sources of {config_file}")
    config = load_config(config_file, overrides)
    check_functions(config.functions, NEEDED[config.pipeline])
    described = load_stack(stack)
    placed = place(config, root=described.root, production=described.production)
    _refuse_unwritable(placed.root)
    os.environ.update(placed.storage.environment)
    check_references(placed, described.values)
    check_engine(config, described)
    check_tracking(config.tracking, placed.tracking)
    with reached(stack, keep=False):
        sign_in(described)
        build_sample(config)
        if unpublished(config, placed, whole=stack != REHEARSAL):
            say(f"checking the sample in {config.production.files}, which a run publishes in {placed.production.files}")
            placed = placed.model_copy(update={"production": config.production})
        tried = try_on_production(placed, described.values, thorough=True)[1]
    if tried.ids and not tried.examples:
        print(
            f"{config_file}: no mistake was found, but encode_data dropped all of the {counted(tried.ids, 'id')} that "
            f"it was tried on, so the model and compute_metrics were not tried: see whether it is meant to."
        )
        return 0
    print(f"{config_file}: good. Config, functions and {_told(tried)}.")
    for line in _datasets(config, tried):
        print(line)
    return 0


def _datasets(config: ExperimentConfig, tried: "Tried") -> Iterator[str]:
    """Which of several models share a dataset."""
    if len(config.all_models) > 1:
        for group in groups_of(config, tried.reads):
            yield f"{', '.join(group.models)}: {'one dataset' if len(group.models) == 1 else 'the same dataset'}"


def _told(tried: "Tried") -> str:
    if tried.ids == 0:
        return "what can be read from here were checked"
    return f"sources were checked; the functions were tried on {counted(tried.ids, 'id')}"


def _refuse_unwritable(root: str) -> None:
    """Refuses a root that a run could not write into; nothing is made.

    Raises:
        ConfigError: It, or the nearest folder above it that is there, is no folder or may not be written.
    """
    if is_s3(root):
        return
    place = Path(root).absolute()
    there = next(path for path in (place, *place.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "may not be written" if there.is_dir() else "is no folder"
        raise ConfigError(f"root: {place} cannot be made: {there} {why}; set root: to a folder that you may write")


def try_on_production(
    config: ExperimentConfig, values: Values | None = None, *, thorough: bool = False
) -> tuple[Functions, "Tried"]:
    """Loads the functions and tries them on a few ids of production; gives them and how much they were tried on.

    On a stack with AWS the trial is left out where only a job can read the labels: in a VPC, or with a secret that is
    the execution role's.

    Args:
        config: As it runs on the stack.
        values: The stack's; None for a stack of this machine.
        thorough: Also refuse label rows that reconcile or prepare would refuse; always on a stack with AWS, where a job
            that is paid for would refuse them.

    Raises:
        FunctionsError: A function breaks its contract.
        PrepareError: encode_data breaks its contract, or too few labels or ids of a label are there.
        ReconcileError: The labels or files of production cannot be read.
    """
    say("trying the functions on a few ids of production")
    from finetune.functions import load_functions
    from finetune.gate.reachable import refuse_unreachable

    functions = load_functions(config.functions, NEEDED[config.pipeline])
    if functions.compute_metrics is None:
        for _, train in config.all_models.values():
            refuse_unreachable(config.register.gate, train.gate)
    if config.features.group is not None:
        _check_group(config, config.features.group, functions)
    try:
        return functions, _tried(functions, config, values, thorough)
    except UnreachableError as error:
        if values is None:
            raise
        from finetune.training.trial import Tried

        say(f"the functions are not tried before submission, because this machine cannot read the labels: {error}")
        return functions, Tried(0, 0)


def _check_group(config: ExperimentConfig, settings: GroupConfig, functions: Functions) -> None:
    """Refuses what the step that fills the group would refuse."""
    from finetune.calls import call
    from finetune.feature_store.exchange import refuse_unlisted
    from finetune.feature_store.rows import group_of
    from finetune.feature_store.store import refuse_taken
    from operators.stores import feature_store

    features = call("get_dataset_features", functions.get_dataset_features, 2)
    if config.features.exchange == "by_name" and isinstance(features, Mapping):  # else the trial says what it must be
        refuse_unlisted(list(features), settings)
    refuse_taken(feature_store(config.root), group_of(settings))


def _tried(functions: Functions, config: ExperimentConfig, values: Values | None, thorough: bool) -> "Tried":
    from finetune.reconcile.labels import labels_of
    from finetune.training.accelerated import check_accelerate
    from operators.secrets import secret_readers

    for _, train in config.all_models.values():
        if train.accelerate:
            check_accelerate(train.accelerate)
    labels = config.production.labels
    rows = _with_columns(labels_of(labels, secret_readers(values.region if values else None)), config)
    if config.pipeline == "features":
        return _features_tried(functions, config, rows)
    if config.production.group is not None:
        with few_records(config, rows) as (rows, folder):
            files = config.production.model_copy(update={"files": folder})
            return _all_tried(functions, config.model_copy(update={"production": files}), rows, thorough)
    return _all_tried(functions, config, rows, thorough or values is not None)


def _all_tried(
    functions: Functions, config: ExperimentConfig, rows: Iterator[dict[str, Any]], thorough: bool
) -> "Tried":
    from finetune.prepare.foresee import foreseen
    from finetune.training.trial import ModelTried, try_functions

    selection: dict[str, Any] = {
        "production": to_place(config.production.files),
        "files_from_production": config.production.files_from_production,
        "ignored_labels": config.prepare.ignored_labels,
        "num_labels_threshold": config.prepare.num_labels_threshold,
    }
    tried = try_functions(
        functions,
        foreseen(rows, **selection, by=config.prepare.split.by) if thorough else rows,
        **selection,
        files_at_home=config.files_at_home,
        models={
            name: ModelTried(model.model_dump(), train.padding, train.best_metric, list(train.gate))
            for name, (model, train) in config.all_models.items()
        },
        objective=config.tune.objective if config.steps.tune else None,
        gate=config.register.gate.names,
        searched=[key_of(name) for name in config.tune.space if part(name) == "model" and config.steps.tune],
    )
    _warn_of_unread(config, tried)
    return tried


def _features_tried(functions: Functions, config: ExperimentConfig, rows: Iterator[dict[str, Any]]) -> "Tried":
    from finetune.features.trial import try_features
    from finetune.training.trial import Tried

    ids, examples = try_features(
        functions,
        rows,
        folder=config.production.files,
        patterns=config.production.files_from_production,
        model=(config.model or ModelConfig()).model_dump(),
    )
    return Tried(ids, examples)


def _warn_of_unread(config: ExperimentConfig, tried: "Tried") -> None:
    for name, keys in tried.unread.items() if tried.examples else ():  # without examples nothing was read
        at = "model" if config.models is None else f"models.{name}"
        for key, near in keys.items():
            hint = f"; did you mean {near}?" if near else ""
            say(f"warning: {at}.{key}: neither encode_data nor get_model reads it{hint}")


def _with_columns(rows: Iterator[dict[str, Any]], config: ExperimentConfig) -> Iterator[dict[str, Any]]:
    """Passes label rows on that have the columns which the config names, and without which a run would fail."""
    wanted = list(_columns(config))
    for row in rows:
        for key, column in wanted:
            if column not in row:
                columns = ", ".join(row)
                raise ConfigError(f"{key}: must be a column of the labels ({columns}), but got {column!r}")
        yield row


def _columns(config: ExperimentConfig) -> Iterator[tuple[str, str]]:
    """Keys of the config, each with a column that it names."""
    prepare, labels, without = config.prepare, config.checks.labels, config.production.labels.hash
    if prepare.split.by is not None:
        yield "prepare.split.by", prepare.split.by
    if prepare.shards and prepare.shards.by not in RULES:
        yield "prepare.shards.by", prepare.shards.by
    if labels.severity == "fail":
        yield from (("checks.labels.columns", name) for name in labels.columns if name != without)
