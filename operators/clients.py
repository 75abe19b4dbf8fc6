"""The boto3 clients of a ZenML stack: credentials of its service connector, else those of the usual AWS chain."""

from typing import Any

from botocore.config import Config
from zenml.integrations.aws.orchestrators import SagemakerOrchestrator
from zenml.stack import Stack

from finetune.errors import ComputeError
from operators.jobs import Clients

RETRIES = {"mode": "standard", "max_attempts": 5}


def clients_of(stack: Stack) -> Clients:
    """Gives the client of a service, and a new one once the connector's credentials have expired.

    Raises:
        ComputeError: The stack does not run on SageMaker.
    """
    orchestrator = stack.orchestrator
    if not isinstance(orchestrator, SagemakerOrchestrator):
        raise ComputeError(f"--stack {stack.name}: its runs are not on SageMaker; name a stack whose orchestrator is")
    known: dict[str, tuple[Any, Any]] = {}

    def client(service: str) -> Any:
        session = orchestrator.sagemaker_session.boto_session
        if service not in known or known[service][0] is not session:
            known[service] = session, session.client(service, config=Config(retries=RETRIES))
        return known[service][1]

    return client
