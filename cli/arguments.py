"""What the commands on an experiment that has run take alike: its name, the stack, and where its home lies."""

import argparse


def experiment_parser(command: str, description: str) -> argparse.ArgumentParser:
    """The parser of `run.py COMMAND EXPERIMENT`, to which the command adds its own arguments."""
    result = argparse.ArgumentParser(prog=f"python run.py {command}", description=description)
    result.add_argument("experiment", metavar="EXPERIMENT", help="EXP-3333, or the whole name")
    result.add_argument("--stack", metavar="NAME", default="local", help="the stack that it is on (default: local)")
    result.add_argument(
        "--root", metavar="PLACE", help="where its home lies (default: the stack's or the configs' root)"
    )
    result.set_defaults(command=command)
    return result
