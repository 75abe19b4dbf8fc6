"""`run.py schedule create|list|update|delete`: runs an experiment on AWS at fixed times, through EventBridge."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse


def parser() -> argparse.ArgumentParser:
    """The parser of the commands."""
    result = argparse.ArgumentParser(prog="python run.py schedule", description="Runs an experiment at fixed times.")
    commands = result.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="run the experiment of a config at these times")
    listing = commands.add_parser("list", help="all schedules of the stack")
    update = commands.add_parser("update", help="other times for a schedule")
    delete = commands.add_parser("delete", help="no more runs; a run that has begun goes on")
    create.add_argument("--config", metavar="FILE", required=True, help="the experiment's YAML file")
    create.add_argument("--set", metavar="A.B=VALUE", action="append", default=[], dest="overrides", help="set one key")
    for command in (update, delete):
        command.add_argument("name", metavar="EXPERIMENT", help="the schedule, named like its experiment")
    for command in (create, update):
        command.add_argument(
            "--cron",
            metavar="EXPRESSION",
            required=True,
            help='six fields, in UTC: minute, hour, day of month, month, day of week, year: "0 6 ? * MON-FRI *"',
        )
    for command in (create, listing, update, delete):
        command.add_argument("--stack", metavar="NAME", default="sagemaker", help="default: sagemaker")
    return result


def schedule(arguments: Sequence[str]) -> int:
    """Runs the command; gives the exit code."""
    options = parser().parse_args(arguments)
    from cli.environment import quiet_defaults

    quiet_defaults()
    {"create": _create, "list": _list, "update": _update, "delete": _delete}[options.command](options)
    return 0


def _create(options: argparse.Namespace) -> None:
    """What needs no AWS is checked first."""
    from finetune.config.load import load_config
    from finetune.functions import NEEDED, check_functions
    from stacks.cron import aws_cron

    cron = aws_cron(options.cron)
    config = load_config(options.config, options.overrides)
    check_functions(config.functions, NEEDED[config.pipeline])
    from cli.aws.find import apply_stack

    apply_stack(options.stack)
    from cli.aws.scheduled import scheduled
    from stacks.schedules import create, refuse_another

    refuse_another(config.experiment)
    pipeline, called_with = scheduled(config, options.stack)
    create(config.experiment, cron, pipeline, called_with)
    print(f"{config.experiment}: runs on stack {options.stack} at cron({cron}), UTC, with this config and today's code")


def _list(options: argparse.Namespace) -> None:
    _use(options.stack)
    from stacks.schedules import listed

    rows = [(each.name, f"cron({each.cron})", each.state, _newest(each.newest)) for each in listed()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    if not rows:
        print(f"stack {options.stack} has no schedules")


def _update(options: argparse.Namespace) -> None:
    from stacks.cron import aws_cron

    cron = aws_cron(options.cron)
    _use(options.stack)
    from stacks.schedules import update

    update(options.name, cron)
    print(f"{options.name}: now runs at cron({cron}), UTC")


def _delete(options: argparse.Namespace) -> None:
    _use(options.stack)
    from cli.aws.find import how_to_look, reference_to
    from finetune.errors import RunError
    from stacks.schedules import delete

    running = delete(options.name)
    if running:
        commands = how_to_look(reference_to(running[0]), options.stack)
        raise RunError(
            f"{options.name}: no more runs of its schedule begin, but one still runs, with the schedule's credentials "
            f"for ZenML's server; wait for it, or stop it, and delete again:\n{commands}"
        )
    print(f"{options.name}: its schedule is deleted")


def _use(stack: str) -> None:
    from cli.aws.find import use_stack

    use_stack(stack)


def _newest(run: "PipelineRunResponse | None") -> str:
    from cli.aws.find import reference_to

    return f"newest run: {reference_to(run)}, {run.status.value}" if run else "no run yet"
