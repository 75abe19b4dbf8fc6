"""Runs an execution: starts each step once all that it waits for has succeeded, side by side where it may."""

import logging
import threading

from rehearsal.errors import ClientFault, ServiceError
from rehearsal.pipelines.definition import ready
from rehearsal.pipelines.execution import Execution, StepRun
from rehearsal.pipelines.steps import StepRunner

MOST_STEPS_AT_ONCE = 50


def run_execution(execution: Execution, runner: StepRunner) -> None:
    """Returns once it has ended. After a failure running steps go on to their end, and none starts."""
    limit = (execution.request.get("ParallelismConfiguration") or {}).get(
        "MaxParallelExecutionSteps", MOST_STEPS_AT_ONCE
    )
    with execution.changed:
        while True:
            running = [run for run in execution.runs.values() if run.status in ("Executing", "Stopping")]
            for name in _startable(execution)[: limit - len(running)]:
                running.append(_start(execution, runner, name))
            if not running:
                break
            execution.changed.wait()
        statuses = {run.status for run in execution.runs.values()}
        if execution.status == "Stopping" or "Stopped" in statuses:
            execution.enter("Stopped")
        elif "Failed" in statuses:
            execution.enter("Failed", "Step failure: One or multiple steps failed.")
        else:
            execution.enter("Succeeded")


def _startable(execution: Execution) -> list[str]:
    statuses = {name: run.status for name, run in execution.runs.items()}
    if execution.status == "Stopping" or {"Failed", "Stopped"} & set(statuses.values()):
        return []
    return ready(execution.steps, statuses)


def _start(execution: Execution, runner: StepRunner, name: str) -> StepRun:
    run = StepRun(name)
    execution.runs[name] = run
    threading.Thread(target=_run, args=(execution, runner, run), name=name, daemon=True).start()
    return run


def _run(execution: Execution, runner: StepRunner, run: StepRun) -> None:
    """One step; whatever it raises is its failure."""
    try:
        status, reason = runner.run(execution, execution.steps[run.name], run)
    except (ClientFault, ServiceError) as error:
        status, reason = "Failed", f"ClientError: {error.message if isinstance(error, ServiceError) else error}"
    except Exception as error:
        logging.exception("step %s of %s", run.name, execution.arn)
        status, reason = "Failed", f"InternalServerError: {error}"
    with execution.changed:
        run.end(status, reason)
        execution.changed.notify_all()
