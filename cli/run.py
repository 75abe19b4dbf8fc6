"""The main job: checks everything, claims a run number, runs the pipeline, and says what came of it."""

import os
import shlex
import signal
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from cli.check import build_sample, try_on_production
from cli.main import Exit
from finetune import runs
from finetune.calls import place
from finetune.config.experiment import ExperimentConfig
from finetune.config.load import load_config, resolved
from finetune.errors import FinetuneError, RunError
from finetune.experiment import Home
from finetune.functions import Functions, check_functions
from finetune.progress import say
from finetune.runs import Run, Status
from finetune.versions import versions
from stacks.files import stack_file

EXITS = {Status.COMPLETED: Exit.DONE, Status.FAILED: Exit.FAILED, Status.STOPPED: Exit.STOPPED}


def run(config_file: str, overrides: Sequence[str], stack: str, run_number: int | None, *, cache: bool) -> int:
    """Runs the experiment; errors before the run number is claimed are raised."""
    began = time.monotonic()
    say(f"checking config, functions and sources of {config_file}")
    config = load_config(config_file, overrides)
    check_functions(config.functions)
    stack_file(stack)
    build_sample(config)
    functions, _ = try_on_production(config)
    say(f"starting ZenML with stack {stack}")
    from stacks.apply import apply

    os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply(stack))
    home = Home(config.root, config.experiment)
    record = _begin(home, config, stack, run_number)
    with runs.held(home, record.run_number), _sigterm_as_interrupt():
        again = _resume_command(record, config_file, overrides)
        return _carry_out(home, record, config, functions, cache=cache, again=again, began=began)


def _resume_command(record: Run, config_file: str, overrides: Sequence[str]) -> str:
    """The command that goes on with a run: resuming needs an equal config and the same stack."""
    options = [*chain.from_iterable(("--set", override) for override in overrides), "--stack", record.stack]
    return shlex.join(["python", "run.py", "--config", config_file, *options, "--run-number", str(record.run_number)])


def _how_to_go_on(again: str) -> str:
    return (
        f"when a function or the data is mended, go on with:\n  {again}\n"
        f"when the config is mended, start a new run; finished steps that it does not touch come from the cache"
    )


def _begin(home: Home, config: ExperimentConfig, stack: str, run_number: int | None) -> Run:
    if run_number is not None:
        return runs.resume(home, run_number, stack=stack, config=resolved(config))
    return runs.claim(home, stack=stack, config=resolved(config), versions=versions())


def _carry_out(
    home: Home, record: Run, config: ExperimentConfig, functions: Functions, *, cache: bool, again: str, began: float
) -> int:
    from cli.leftovers import end_leftovers
    from cli.summary import find_pipeline_run, outcome, print_summary

    say(f"{record.experiment}, run {record.run_number}, on stack {record.stack}")
    end_leftovers(record)
    name = f"{record.experiment}-{record.run_number}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    status = _attempt(name, home, record, config, functions, cache=cache, again=again)
    pipeline_run = find_pipeline_run(name)
    try:
        record = outcome(record, status, home, pipeline_run)
        record.write(home)
    except RunError as error:
        say(f"error: the run is {status}, but its outcome is not recorded: {error}; then go on with:\n  {again}")
        return Exit.FAILED
    if status is Status.COMPLETED:
        print_summary(record, home, pipeline_run, seconds=time.monotonic() - began)
    return EXITS[status]


def _attempt(
    name: str, home: Home, record: Run, config: ExperimentConfig, functions: Functions, *, cache: bool, again: str
) -> Status:
    """Runs the pipeline and says why it did not end, if it did not."""
    try:
        _run_pipeline(name, home, record, config, functions, cache=cache)
    except KeyboardInterrupt:
        say(f"stopped; finished steps and copied files are kept. Go on with:\n  {again}")
        return Status.STOPPED
    except FinetuneError as error:
        say(f"error: {error}\n{_how_to_go_on(again)}")
        return Status.FAILED
    except (Exception, SystemExit) as error:  # SystemExit: a function may call sys.exit
        say("".join(traceback.format_exception(error)).rstrip())
        say(f"error: {place(error)}a step raised {type(error).__name__}: {error}\n{_how_to_go_on(again)}")
        return Status.FAILED
    return Status.COMPLETED


def _run_pipeline(
    name: str, home: Home, record: Run, config: ExperimentConfig, functions: Functions, *, cache: bool
) -> None:
    from pipelines.finetune import code_of_steps, finetune

    facts: dict[str, Any] = {
        "run_number": record.run_number,
        "stack": record.stack,
        "started": record.started,
    }
    steps = {} if home.is_complete else {"reconcile": {"enable_cache": False}}
    composed = finetune.with_options(
        run_name=name,
        enable_cache=cache,
        extra={**facts, "experiment": record.experiment, "config": record.config},
        tags=[record.experiment],
        steps=steps,
    )
    composed(config=record.config, code=code_of_steps(config.functions, functions))


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Stops as cleanly on SIGTERM, which schedulers send, as on Ctrl-C."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
