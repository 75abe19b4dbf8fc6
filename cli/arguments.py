"""What the commands on an experiment that has run take alike: its name, the stack, and where its home lies."""

import argparse


def experiment_parser(command: str, description: str, *, stack: str = "local") -> argparse.ArgumentParser:
    """The parser of `run.py COMMAND EXPERIMENT`, to which a command adds its own arguments; `stack` is the default."""
    result = argparse.ArgumentParser(prog=f"python run.py {command}", description=description)
    result.add_argument("experiment", metavar="EXPERIMENT", help="EXP-3333, or the whole name")
    result.add_argument("--stack", metavar="NAME", default=stack, help=f"the stack that it is on (default: {stack})")
    result.add_argument(
        "--root", metavar="PLACE", help="where its home lies (default: the stack's or the configs' root)"
    )
    result.set_defaults(command=command)
    return result
