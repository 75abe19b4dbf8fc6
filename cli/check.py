"""`--check`: validates config, functions and sources, and tries the functions on a few real rows. Starts nothing."""

from collections.abc import Iterator, Sequence
from typing import Any

from cli.reach import reached
from cli.sample import bring_sample
from finetune.config.experiment import ExperimentConfig
from finetune.config.load import load_config
from finetune.errors import ConfigError
from finetune.functions import Functions, check_functions
from finetune.progress import say
from finetune.storage.uri import to_place
from finetune.words import counted
from stacks.files import load_stack
from stacks.place import place


def check(config_file: str, overrides: Sequence[str], stack: str) -> int:
    """Checks and says so; errors are raised."""
    say(f"checking config, functions and sources of {config_file}")
    config = load_config(config_file, overrides)
    check_functions(config.functions)
    described = load_stack(stack)
    placed = place(config, root=described.root, production=described.production)
    with reached(stack, keep=False):
        bring_sample(config, placed)
        tried = counted(try_on_production(placed)[1], "id")
    print(f"{config_file}: good. Config, functions and sources were checked; the functions were tried on {tried}.")
    return 0


def try_on_production(config: ExperimentConfig) -> tuple[Functions, int]:
    """Loads the functions and tries them on a few ids of production; gives them and the number of ids.

    Raises:
        FunctionsError: A function breaks its contract.
        ReconcileError: The labels or files of production cannot be read.
    """
    say("trying the functions on a few ids of production")
    from finetune.functions import load_functions
    from finetune.reconcile.labels import labels_of
    from finetune.training.trial import try_functions

    functions = load_functions(config.functions)
    production = config.production
    rows = labels_of(production.labels)
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
