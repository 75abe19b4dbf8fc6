"""Makes a stack ZenML's active one for this process: registered, and its image by digest."""

import os

from stacks.files import Stack
from stacks.onboarding import decline_survey


def activate(stack: Stack) -> Stack:
    """Makes it the active one; gives it with its image by digest.

    Raises:
        RunError: ZenML's server does not answer, or does not know who asks.
    """
    register(stack)
    return by_digest(stack)


def register(stack: Stack) -> None:
    """Registers the stack, or brings it up to date with its file, and makes it the active one.

    Raises:
        RunError: ZenML's server does not answer, or does not know who asks.
    """
    from cli.served import zenml_reached
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
