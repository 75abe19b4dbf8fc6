"""Parses the command line and turns errors into messages and exit codes."""

import argparse
import sys
from collections.abc import Sequence
from enum import IntEnum

VERSION = "0.1.0"

DESCRIPTION = "Runs a whole fine-tuning experiment: reconcile, prepare, train and evaluate."

EXAMPLES = """\
examples:
  python run.py --config configs/EXP-3333.yaml                         run the experiment on this machine
  python run.py --config configs/EXP-3333.yaml --check                 look for mistakes, start nothing
  python run.py --config configs/EXP-3333.yaml --set train.epochs=1    change one value for this run
  python run.py --config configs/EXP-3333.yaml --run-number 7          go on with run 7, which was stopped
  python run.py --config configs/EXP-3333.yaml --no-cache              do every step again
  python run.py stack check sagemaker                                  what the stack lacks; also: stack apply NAME
  python run.py status EXP-3333-license-mentions/7                     a run on AWS, from any machine; also: logs, stop
  python run.py schedule list                                          also: create, update, delete

exit codes: 0 done, 1 a step failed, 2 bad config or usage: nothing was started, 130 stopped
"""


class Exit(IntEnum):
    """Exit codes of run.py."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    STOPPED = 130


def parser() -> argparse.ArgumentParser:
    """The parser of all options."""
    result = argparse.ArgumentParser(
        prog="python run.py",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    result.add_argument("--config", metavar="FILE", required=True, help="the experiment's YAML file")
    result.add_argument("--stack", metavar="NAME", default="local", help="ZenML stack of stacks/ (default: local)")
    result.add_argument(
        "--set",
        metavar="A.B=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="set one key; repeatable",
    )
    result.add_argument("--run-number", metavar="N", type=_positive, help="resume this unfinished run")
    result.add_argument("--no-cache", action="store_true", help="run every step, even if nothing changed")
    result.add_argument("--keep", action="store_true", help="leave a rehearsal running after the run, to look around")
    result.add_argument("--check", action="store_true", help="check config, functions and sources; start nothing")
    result.add_argument("--version", action="version", version=VERSION)
    return result


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a run number such as 3, but got {text!r}")
    return int(text)


def _stack(arguments: Sequence[str]) -> int:
    from cli.stack import stack

    return stack(arguments[1:])


def _status(arguments: Sequence[str]) -> int:
    from cli.status import status

    return status(arguments[1:])


def _logs(arguments: Sequence[str]) -> int:
    from cli.logs import logs

    return logs(arguments[1:])


def _stop(arguments: Sequence[str]) -> int:
    from cli.stop import stop

    return stop(arguments[1:])


def _schedule(arguments: Sequence[str]) -> int:
    from cli.schedule import schedule

    return schedule(arguments[1:])


COMMANDS = {"stack": _stack, "status": _status, "logs": _logs, "stop": _stop, "schedule": _schedule}


def _experiment(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    from cli.environment import quiet_defaults

    quiet_defaults()
    if options.check:
        from cli.check import check

        return check(options.config, options.overrides, options.stack)
    from cli.run import Wanted, run

    cache = not options.no_cache
    wanted = Wanted(options.config, options.overrides, options.stack, options.run_number, options.keep, cache)
    return run(wanted)


def main(arguments: Sequence[str]) -> int:
    """Runs the command that the arguments ask for and gives its exit code."""
    command = COMMANDS.get(arguments[0] if arguments else "", _experiment)
    from finetune.collector import collect_rarely
    from finetune.errors import FinetuneError

    collect_rarely()
    try:
        return command(arguments)
    except FinetuneError as error:  # what a step raises is answered in cli/run.py: here no run has begun
        print(f"error: {error}", file=sys.stderr)
        return Exit.USAGE
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return Exit.STOPPED
