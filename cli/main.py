"""Parses the command line and turns errors into messages and exit codes."""

import argparse
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum

VERSION = "0.1.0"

DESCRIPTION = "Runs a whole fine-tuning experiment, from raw data to a registered model, and puts the model to use."

USAGE = """python run.py --config FILE [options]
       python run.py resume|runs|status|logs|stop|stack|schedule|features ...    (each with --help)
       python run.py models|promote|rollback|serve|deploy|undeploy|predict ..."""

EXAMPLES = """\
examples:
  python run.py --config configs/EXP-3333.yaml                         run the experiment on this machine
  python run.py --config configs/EXP-3333.yaml --check                 look for mistakes, start nothing
  python run.py --config configs/EXP-3333.yaml --set train.epochs=1    change one value for this run
  python run.py --config configs/EXP-3333.yaml --run-number 7          go on with run 7, which was stopped
  python run.py resume EXP-3333                                        go on with its newest run
  python run.py --config configs/EXP-3333.yaml --no-cache              do every step again
  python run.py runs EXP-3333                                          its runs: scores, and what changed between them
  python run.py stack check sagemaker                                  what the stack lacks; also: stack apply NAME
  python run.py status EXP-3333-license-mentions/7                     a run on AWS, from any machine; also: logs, stop
  python run.py features                                               feature groups: how many records, how fresh
  python run.py schedule list                                          also: create, update, delete
  python run.py models EXP-3333                                        registered versions; also: promote, rollback
  python run.py serve EXP-3333 7                                       its run 7 answers requests on this machine
  python run.py deploy EXP-3333 7 --stack sagemaker                    the same as an endpoint; also: undeploy
  python run.py predict EXP-3333 7 --input PLACE --output PLACE        its answers to files of ids, or JSON Lines

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
        usage=USAGE,
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


COMMANDS = {
    "resume": "cli.resume",
    "runs": "cli.history",
    "stack": "cli.stack",
    "status": "cli.aws.status",
    "logs": "cli.aws.logs",
    "stop": "cli.aws.stop",
    "schedule": "cli.aws.schedule",
    "models": "cli.versions",
    "promote": "cli.promote",
    "rollback": "cli.rollback",
    "serve": "cli.serve",
    "deploy": "cli.deploy",
    "undeploy": "cli.undeploy",
    "predict": "cli.predict",
    "features": "cli.features",
}
"""The module of each command, which has a function of the command's name; it is loaded when it is called."""


def _command(word: str) -> Callable[[Sequence[str]], int]:
    from importlib import import_module

    command: Callable[[Sequence[str]], int] = getattr(import_module(COMMANDS[word]), word)
    return command


def _experiment(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    from cli.environment import quiet_defaults

    quiet_defaults()
    if options.check:
        from cli.check import check

        return check(options.config, options.overrides, options.stack)
    from cli.run import Wanted, run

    cache = not options.no_cache
    wanted = Wanted(options.stack, options.config, options.overrides, options.run_number, options.keep, cache)
    return run(wanted)


def _refuse_unknown(word: str) -> None:
    """Ends with 2 at a first word that is no command and no option."""
    if word.endswith((".yaml", ".yml")):
        parser().error(f"a config is given by --config {word}")
    if word not in COMMANDS and not word.startswith("-"):
        import difflib

        near = difflib.get_close_matches(word, COMMANDS, n=1)
        parser().error(f"{word} is no command; {f'did you mean {near[0]}?' if near else 'those above are'}")


def main(arguments: Sequence[str]) -> int:
    """Runs the command that the arguments ask for and gives its exit code."""
    if arguments:
        _refuse_unknown(arguments[0])
    from finetune.collector import collect_rarely
    from finetune.errors import FinetuneError

    collect_rarely()
    try:
        if arguments and arguments[0] in COMMANDS:
            return _command(arguments[0])(arguments[1:])
        return _experiment(arguments)
    except FinetuneError as error:  # what a step raises is answered in cli/run.py: here no run has begun
        print(f"error: {error}", file=sys.stderr)
        return Exit.USAGE
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return Exit.STOPPED
