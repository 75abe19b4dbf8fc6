import pytest

from cli.aws.states import RunState, StepState, run_status, step_status
from finetune.runs import Status
from operators.execution import ExecutedStep, Execution, Job


@pytest.mark.parametrize(
    ("told", "executed", "status"),
    [
        (None, None, "waiting"),
        (None, "Starting", "starting"),
        (None, "Executing", "starting"),
        (None, "Failed", "failed"),
        (None, "Stopped", "stopped"),
        (None, "Succeeded", "running"),
        ("running", "Executing", "running"),
        ("running", "Failed", "failed"),
        ("running", "Succeeded", "running"),
        ("completed", "Executing", "completed"),
        ("completed", "Failed", "completed"),
        ("cached", None, "cached"),
        ("stopping", "Stopped", "stopped"),
    ],
)
def test_a_step_that_died_silently_is_known_by_sagemaker(told: str | None, executed: str | None, status: str) -> None:
    assert step_status(told, ExecutedStep(executed) if executed else None) == status


@pytest.mark.parametrize(
    ("told", "execution", "status"),
    [
        ("initializing", None, Status.RUNNING),
        ("running", "Executing", Status.RUNNING),
        ("running", "Succeeded", Status.RUNNING),
        ("running", "Failed", Status.FAILED),
        ("provisioning", "Stopped", Status.STOPPED),
        ("completed", "Executing", Status.COMPLETED),
        ("completed", None, Status.COMPLETED),
        ("cancelled", "Failed", Status.FAILED),
        ("stopped", "Failed", Status.STOPPED),
    ],
)
def test_a_run_ends_when_its_execution_failed(told: str, execution: str | None, status: Status) -> None:
    assert run_status(told, Execution(execution) if execution else None) is status


def test_the_current_step_is_the_one_that_works_else_the_last_with_a_job() -> None:
    job = Job("Training", "name", "InProgress", "ml.m5.large", 2)
    first, second = StepState("first", "completed", job), StepState("second", "running", job)
    third = StepState("third", "waiting")

    def current(*steps: StepState) -> StepState | None:
        return RunState("run", Status.RUNNING, None, True, steps).current

    assert current(first, second, third) is second
    assert current(first, third) is first
    assert current(third) is None
    assert second.where == "training job name, 2 x ml.m5.large"
