"""Makes a stack ZenML's active one for this process: registered, and its image by digest."""

import os
from functools import partial
from typing import Any

from finetune.storage.session import use_session
from stacks.files import Stack
from stacks.onboarding import decline_survey


def activate(stack: Stack) -> Stack:
    """Makes it the active one; gives it with its image by digest.

    Raises:
        RunError: ZenML's server does not answer, or does not know who asks.
    """
    register(stack)
    return by_digest(stack)


def sign_in(stack: Stack) -> None:
    """Lets the service connector that the stack file names sign what this process asks of AWS, once it asks."""
    if stack.values is not None and stack.values.connector is not None:
        sign_in_by(stack.values.connector, stack.values.region)


def sign_in_by(connector: str, region: str) -> None:
    """The same by a service connector's name."""
    use_session(partial(_connected, connector, region))


def use_known(name: str) -> bool:
    """Makes the stack of that name on ZenML's server the active one, as it is and signed in; says if there is one.

    Raises:
        RunError: ZenML's server does not answer, or does not know who asks.
    """
    from zenml.client import Client
    from zenml.enums import StackComponentType

    from cli.aws.served import zenml_reached

    with zenml_reached():
        found = Client().list_stacks(name=f"equals:{name}", hydrate=True).items
        if not found:
            return False
        os.environ["ZENML_ACTIVE_STACK_ID"] = str(found[0].id)
        runs_it = found[0].components[StackComponentType.ORCHESTRATOR][0]
        if runs_it.connector is not None:
            sign_in_by(runs_it.connector.name, runs_it.configuration["region"])
        return True


def _connected(name: str, region: str) -> Any:
    from cli.aws.served import zenml_reached
    from operators.connector import connected_session

    with zenml_reached():
        return connected_session(name, region)


def register(stack: Stack) -> None:
    """Registers the stack, or brings it up to date with its file, and makes it the active one.

    Raises:
        RunError: ZenML's server does not answer, or does not know who asks.
    """
    from cli.aws.served import zenml_reached
    from stacks.apply import apply

    with zenml_reached():
        os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply(stack.name))
        if stack.values is None:
            decline_survey()


def by_digest(stack: Stack) -> Stack:
    """The active stack with its image by digest; one of this machine has no image."""
    if stack.values is None:
        return stack
    from zenml.client import Client

    from operators.clients import clients_of
    from stacks.image import pinned

    return pinned(stack, lambda: clients_of(Client().active_stack)("ecr"))
