"""The boto3 clients of a ZenML stack: credentials of its service connector, else those of the usual AWS chain."""

from functools import cache
from typing import Any

from botocore.config import Config
from zenml.client import Client
from zenml.integrations.aws.orchestrators import SagemakerOrchestrator
from zenml.stack import Stack

from finetune.errors import ComputeError
from operators.connector import connected_session
from operators.jobs import Clients

RETRIES = {"mode": "standard", "max_attempts": 5}


def clients_of(stack: Stack) -> Clients:
    """Gives the client of a service; its credentials renew themselves.

    Raises:
        ComputeError: The stack does not run on SageMaker.
    """
    orchestrator = stack.orchestrator
    if not isinstance(orchestrator, SagemakerOrchestrator):
        raise ComputeError(f"--stack {stack.name}: its runs are not on SageMaker; name a stack whose orchestrator is")

    @cache
    def session() -> Any:
        if orchestrator.connector is None:
            return orchestrator.sagemaker_session.boto_session
        name = Client().get_service_connector(orchestrator.connector).name
        return connected_session(name, str(orchestrator.config.region))

    return cache(lambda service: session().client(service, config=Config(retries=RETRIES)))
