"""`run.py models EXPERIMENT`: its registered versions, with metrics, gate, and the stage in each registry."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cli.arguments import experiment_parser
from cli.main import Exit
from cli.models import number, shown_metrics
from cli.registries import Registered, registered
from finetune.errors import RegistryError
from finetune.progress import say
from finetune.registry.facts import Facts, read_facts
from finetune.registry.journal import read_journal
from finetune.registry.move import settle
from finetune.registry.stages import Move, Stages, last_move
from finetune.words import moment

if TYPE_CHECKING:
    from rich.table import Table

Told = Mapping[str, Stages | None]
"""The stages that each registry tells; None where it does not answer."""


def models(arguments: Sequence[str]) -> int:
    """Prints the table; gives 0, or 1 where a registry does not answer or differs from the others."""
    options = experiment_parser("models", "The registered versions of an experiment.").parse_args(arguments)
    from rich.console import Console

    try:
        with registered(options) as found:
            troubles: list[str] = []
            told = _told(found, troubles)
            moves = read_journal(found.home).moves
            versions = [read_facts(found.home, version) for version in found.versions]
    except RegistryError as error:
        print(f"error: {error}", file=sys.stderr)
        return Exit.FAILED
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140)
    console.print(f"{found.home.experiment}: {found.home.models}", highlight=False, soft_wrap=True)
    console.print(table(versions, told, moves))
    troubles += differing(found.versions, told)
    for line in troubles:
        console.print(line, highlight=False, soft_wrap=True)
    return Exit.FAILED if troubles else Exit.DONE


def _told(found: Registered, troubles: list[str]) -> dict[str, Stages | None]:
    """What each registry says, after a move that was broken off is taken back."""
    try:
        settle(found.home, found.registries, say)
    except RegistryError as error:
        troubles.append(f"a move was broken off, and cannot be taken back yet: {error}")
    told: dict[str, Stages | None] = {}
    for registry in found.registries:
        try:
            told[registry.name] = registry.stages(found.home.experiment)
        except RegistryError as error:
            told[registry.name] = None
            troubles.append(str(error))
    return told


def table(versions: Sequence[Facts], told: Told, moves: Sequence[Move]) -> "Table":
    """A row for each version, the newest first."""
    from rich.table import Table

    result = Table()
    metrics = shown_metrics(versions[-1].metrics)
    for column in ("version", *metrics, "gate", *told, "since", "by"):
        result.add_column(column, justify="right" if column in metrics else "left")
    for facts in reversed(versions):
        version, moved = facts.run_number, last_move(moves, facts.run_number)
        name = str(version) if facts.model is None else f"{version} ({facts.model})"
        gate = f"{len(facts.gate['rules'])} kept" if facts.gate["passed"] else "missed"
        stages = ("?" if of is None else of.get(version, "not there") for of in told.values())
        last = (moment(moved.at), moved.by) if moved else (moment(facts.created), "")
        result.add_row(name, *(number(facts.metrics.get(metric)) for metric in metrics), gate, *stages, *last)
    return result


def differing(versions: Sequence[int], told: Told) -> list[str]:
    """A line for each version that registries do not agree on."""
    answers = {name: of for name, of in told.items() if of is not None}
    lines = []
    for version in versions:
        said = {name: str(of.get(version, "not there")) for name, of in answers.items()}
        if len(set(said.values())) > 1:
            listed = ", ".join(f"{stage} in {name}" for name, stage in said.items())
            lines.append(f"version {version} is {listed}; promote brings them together")
    return lines
