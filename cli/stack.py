"""`run.py stack apply|check NAME`: registers a stack file with ZenML, or says what the stack still lacks."""

import argparse
from collections.abc import Sequence


def parser() -> argparse.ArgumentParser:
    """The parser of the command."""
    result = argparse.ArgumentParser(prog="python run.py stack", description="Registers and checks stacks of stacks/.")
    commands = result.add_subparsers(dest="command", required=True)
    apply = commands.add_parser("apply", help="register the stack with ZenML, or bring it up to date with its file")
    check = commands.add_parser("check", help="say what is missing, in order, with the command that mends it")
    for command in (apply, check):
        command.add_argument("name", metavar="NAME", help="a file stacks/NAME.yaml: local, sagemaker, rehearsal")
    check.add_argument(
        "--instance",
        metavar="TYPE",
        action="append",
        default=[],
        help="instance type of training jobs whose quotas to check, such as ml.g5.xlarge; repeatable",
    )
    return result


def stack(arguments: Sequence[str]) -> int:
    """Runs the command and gives its exit code: 0 all is well, 1 something is missing."""
    options = parser().parse_args(arguments)
    from cli.environment import quiet_defaults
    from stacks.files import load_stack

    quiet_defaults()
    described = load_stack(options.name)
    if options.command == "apply":
        from cli.aws.served import zenml_reached
        from stacks.apply import apply

        with zenml_reached():
            applied = apply(options.name)
        print(f"{options.name}: registered with ZenML as {applied}")
        return 0
    from stacks.checks.order import check

    missing = False
    for finding in check(described, options.instance):
        missing = missing or finding.missing
        print(finding, flush=True)
    return int(missing)
