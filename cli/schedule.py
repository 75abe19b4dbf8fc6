"""`run.py schedule create|list|update|delete`: runs an experiment on AWS at fixed times, through EventBridge."""

import argparse
from collections.abc import Sequence


def parser() -> argparse.ArgumentParser:
    """The parser of the commands."""
    result = argparse.ArgumentParser(prog="python run.py schedule", description="Runs an experiment at fixed times.")
    commands = result.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="run the experiment of a config at these times")
    listing = commands.add_parser("list", help="all schedules of the stack")
    update = commands.add_parser("update", help="other times for a schedule")
    delete = commands.add_parser("delete", help="no more runs; runs that have begun go on")
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
    from stacks.cron import aws_cron

    quiet_defaults()
    cron = aws_cron(options.cron) if "cron" in options else ""
    from cli.find import use_stack

    use_stack(options.stack)
    from stacks.schedules import create, delete, listed, update

    if options.command == "create":
        from cli.scheduled import scheduled

        composed = scheduled(options.config, options.overrides, options.stack)
        create(composed.experiment, cron, composed.pipeline, composed.arguments)
        print(f"{composed.experiment}: runs on stack {options.stack} at cron({cron}), UTC")
    elif options.command == "update":
        update(options.name, cron)
        print(f"{options.name}: now runs at cron({cron}), UTC")
    elif options.command == "delete":
        delete(options.name)
        print(f"{options.name}: its schedule is deleted")
    else:
        print("\n".join(listed()) or f"stack {options.stack} has no schedules")
    return 0
