"""Submits a run to AWS: when it fails or is broken off, nothing of it is left there."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from finetune.errors import FinetuneError, RunError

if TYPE_CHECKING:
    from zenml.integrations.aws.orchestrators import SagemakerOrchestrator
    from zenml.models import PipelineRunResponse

    from operators.jobs import Clients, Say

STARTED = ("StartPipelineExecution", "CreateProcessingJob", "CreateTrainingJob")
"""What hands a run to AWS: a static pipeline, or the job in which a dynamic pipeline's function runs."""
ARNS = ("PipelineExecutionArn", "ProcessingJobArn", "TrainingJobArn")


def submit(call: "Callable[[], PipelineRunResponse]", say: "Say") -> "PipelineRunResponse":
    """Calls the pipeline, which submits it to the active stack, and gives its run on ZenML's server.

    Raises:
        ComputeError: AWS refuses it.
        RunError: ZenML's server does not answer; or AWS has the run when submitting fails, and stopping it fails, too.
    """
    from zenml.client import Client

    from cli.aws.served import zenml_reached
    from operators.clients import clients_of
    from operators.transient import aws_errors

    executions: list[str] = []

    def note(parsed: dict[str, Any], **about: Any) -> None:
        executions.extend(str(parsed[name]) for name in ARNS if name in parsed)

    stack = Client().active_stack
    clients, orchestrator = clients_of(stack), cast("SagemakerOrchestrator", stack.orchestrator)
    try:
        with aws_errors("submitting the run"), zenml_reached():
            # The orchestrator keeps the execution to itself until ZenML's server has been told of it.
            for call_of_aws in STARTED:
                event = f"after-call.sagemaker.{call_of_aws}"
                orchestrator.sagemaker_session.sagemaker_client.meta.events.register(event, note)
            return call()
    except BaseException as error:
        _end(clients, executions, say, error)
        raise


def _end(clients: "Clients", executions: list[str], say: "Say", error: BaseException) -> None:
    """Asks AWS to stop what it had taken up before the error: ZenML's server would never hear of it."""
    from operators.stop import ask_to_stop, stop_command
    from operators.transient import patiently

    for arn in executions:
        name = arn.rpartition("/")[2]
        try:
            patiently(
                partial(ask_to_stop, clients("sagemaker"), arn),
                f"stopping pipeline execution {name}",
            )
        except (FinetuneError, KeyboardInterrupt) as failed:
            raise RunError(
                f"the run was handed to AWS, then submitting it failed ({error!r}), and stopping it failed "
                f"({failed!r}); stop it with:\n  {stop_command(arn)}"
            ) from error
        say(f"AWS had taken up the run already: stopped pipeline execution {name}")
