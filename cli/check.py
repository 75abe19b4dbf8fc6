"""`--check`: validates config, functions and sources, and tries the functions on a few real rows. Starts nothing."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cli.reach import REHEARSAL, reached
from cli.sample import bring_sample
from finetune.config.experiment import ExperimentConfig
from finetune.config.load import load_config
from finetune.errors import ConfigError, UnreachableError
from finetune.functions import Functions, check_functions
from finetune.progress import say
from finetune.storage.uri import to_place
from finetune.words import counted
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
    check_functions(config.functions)
    described = load_stack(stack)
    placed = place(config, root=described.root, production=described.production)
    check_references(placed, described.values)
    with reached(stack, keep=False):
        bring_sample(config, placed, whole=stack != REHEARSAL)
        tried = try_on_production(placed, described.values, thorough=True)[1]
    print(f"{config_file}: good. Config, functions and {_told(tried)}.")
    return 0


def _told(tried: "Tried") -> str:
    if tried.ids == 0:
        return "what can be read from here were checked"
    told = f"sources were checked; the functions were tried on {counted(tried.ids, 'id')}"
    if tried.examples == 0:
        return f"{told}, but encode_data dropped all of them, so the model and compute_metrics were not tried"
    return told


def try_on_production(
    config: ExperimentConfig, values: Values | None = None, *, thorough: bool = False
) -> tuple[Functions, "Tried"]:
    """Loads the functions and tries them on a few ids of production; gives them and how much they were tried on.

    On a stack with AWS the trial is left out where only a job can read the labels: in a VPC, or with a secret that is
    the execution role's.

    Args:
        config: As it runs on the stack.
        values: The stack's; None for a stack of this machine.
        thorough: Also refuse label rows that reconcile or prepare would refuse.

    Raises:
        FunctionsError: A function breaks its contract.
        PrepareError: encode_data breaks its contract, or too few labels or ids of a label are there.
        ReconcileError: The labels or files of production cannot be read.
    """
    say("trying the functions on a few ids of production")
    from finetune.functions import load_functions

    functions = load_functions(config.functions)
    try:
        return functions, _tried(functions, config, values, thorough)
    except UnreachableError as error:
        if values is None:
            raise
        from finetune.training.trial import Tried

        say(f"the functions are not tried before submission, because this machine cannot read the labels: {error}")
        return functions, Tried(0, 0)


def _tried(functions: Functions, config: ExperimentConfig, values: Values | None, thorough: bool) -> "Tried":
    from finetune.prepare.foresee import foreseen
    from finetune.reconcile.labels import labels_of
    from finetune.training.trial import try_functions
    from operators.secrets import secret_readers

    labels, by = config.production.labels, config.prepare.split.by
    rows = _with_split_column(labels_of(labels, secret_readers(values.region if values else None)), by)
    selection: dict[str, Any] = {
        "production": to_place(config.production.files),
        "files_from_production": config.production.files_from_production,
        "ignored_labels": config.prepare.ignored_labels,
        "num_labels_threshold": config.prepare.num_labels_threshold,
    }
    return try_functions(
        functions,
        foreseen(rows, **selection, by=by) if thorough else rows,
        **selection,
        files_at_home=config.files_at_home,
        model=config.model.model_dump(),
        padding=config.train.padding,
        best_metric=config.train.best_metric,
    )


def _with_split_column(rows: Iterator[dict[str, Any]], by: str | None) -> Iterator[dict[str, Any]]:
    for row in rows:
        if by is not None and by not in row:
            raise ConfigError(f"prepare.split.by: must be a column of the labels ({', '.join(row)}), but got {by!r}")
        yield row
