"""`--check`: validates config, functions and sources, and tries the functions on a few real rows. Starts nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from finetune.config.experiment import ExperimentConfig
from finetune.config.load import load_config
from finetune.errors import ConfigError
from finetune.functions import Functions, check_functions
from finetune.progress import say
from finetune.storage.uri import is_s3, to_place
from finetune.words import counted
from stacks.files import stack_file


def check(config_file: str, overrides: Sequence[str], stack: str) -> int:
    """Checks and says so; errors are raised."""
    say(f"checking config, functions and sources of {config_file}")
    config = load_config(config_file, overrides)
    check_functions(config.functions)
    stack_file(stack)
    build_sample(config)
    tried = counted(try_on_production(config)[1], "id")
    print(f"{config_file}: good. Config, functions and sources were checked; the functions were tried on {tried}.")
    return 0


def build_sample(config: ExperimentConfig) -> None:
    """Builds the sample production source that the config names, if the source is absent."""
    production = config.production
    if production.sample is None or is_s3(production.files) or Path(production.files).exists():
        return
    from importlib import import_module

    folder = Path(production.files).parent
    say(f"building the sample production source {folder} (once)")
    import_module(f"experiments.{production.sample}.sample").build(folder)


def try_on_production(config: ExperimentConfig) -> tuple[Functions, int]:
    """Loads the functions and tries them on a few ids of production; gives them and the number of ids.

    Raises:
        FunctionsError: A function breaks its contract.
        ReconcileError: The labels or files of production cannot be read.
    """
    say("trying the functions on a few ids of production")
    from finetune.config.references import resolve
    from finetune.functions import load_functions
    from finetune.reconcile.labels import read_labels
    from finetune.training.trial import try_functions

    functions = load_functions(config.functions)
    production, labels = config.production, config.production.labels
    rows = read_labels(
        url=None if labels.url is None else resolve(labels.url),
        query=labels.query,
        params={name: resolve(value) for name, value in labels.params.items()},
        file=labels.file,
    )
    tried = try_functions(
        functions,
        _with_split_column(rows, config.prepare.split.by),
        production=to_place(production.files),
        files_from_production=production.files_from_production,
        files_at_home=config.files_at_home,
        ignored_labels=config.prepare.ignored_labels,
        num_labels_threshold=config.prepare.num_labels_threshold,
        model=config.model.model_dump(),
        padding=config.train.padding,
        best_metric=config.train.best_metric,
    )
    return functions, tried


def _with_split_column(rows: Iterator[dict[str, Any]], by: str | None) -> Iterator[dict[str, Any]]:
    for row in rows:
        if by is not None and by not in row:
            raise ConfigError(f"prepare.split.by: must be a column of the labels ({', '.join(row)}), but got {by!r}")
        yield row
