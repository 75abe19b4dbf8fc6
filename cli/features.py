"""`run.py features`: the feature groups of a root, with how many records each holds and how fresh they are."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from finetune.feature_store.store import FeatureStore


def parser() -> argparse.ArgumentParser:
    """The parser of its options."""
    result = argparse.ArgumentParser(
        prog="python run.py features",
        description="Lists feature groups: records of today and of all times, newest event time, last write.",
    )
    result.add_argument("--stack", metavar="NAME", default="local", help="the stack that they are on (default: local)")
    result.add_argument("--root", metavar="PLACE", help="whose groups (default: the stack's or the configs' roots)")
    return result


def features(arguments: Sequence[str]) -> int:
    """Prints a table for each root that has groups; gives 0."""
    options = parser().parse_args(arguments)
    from cli.environment import quiet_defaults

    quiet_defaults()
    from rich.console import Console

    from cli.activate import sign_in
    from cli.reach import reached
    from cli.resume import roots
    from operators.stores import feature_store
    from stacks.files import load_stack

    stack, console = load_stack(options.stack), Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120)
    with reached(stack.name, keep=True):
        sign_in(stack)
        for root in roots(options.root, stack):
            store = feature_store(root)
            names = store.groups()
            console.print(f"{root}: {len(names)} feature group{'' if len(names) == 1 else 's'}", highlight=False)
            if names:
                console.print(table_of(store, names))
    return 0


def table_of(store: "FeatureStore", names: Sequence[str]) -> "Table":
    """A row for each group; one that cannot be read says why."""
    from rich.table import Table

    from finetune.errors import FeatureStoreError

    table = Table()
    for column in ("group", "identifier", "features"):
        table.add_column(column)
    for column in ("records", "of all times"):
        table.add_column(column, justify="right")
    for column in ("newest event", "last write"):
        table.add_column(column)
    for name in names:
        try:
            group, counts = store.describe(name)
        except FeatureStoreError as error:
            table.add_row(name, str(error))
            continue
        numbers = (f"{counts.records:,}", f"{counts.history:,}")
        times = (counts.newest_event or "-", counts.last_write or "-")
        table.add_row(name, group.identifier, str(len(group.features)), *numbers, *times)
    return table
