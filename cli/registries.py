"""What the commands on registered models share: the experiment's home, and the registries of the stack."""

import argparse
import getpass
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.resume import experiment_home
from finetune import runs
from finetune.errors import RegistryError
from finetune.experiment import Home
from finetune.registry.facts import versions
from stacks.files import Stack

if TYPE_CHECKING:
    from finetune.registry.registry import Registry


@dataclass(frozen=True)
class Registered:
    """An experiment with registered models."""

    home: Home
    versions: list[int]
    registries: "list[Registry]"


@contextmanager
def registered(options: argparse.Namespace) -> Iterator[Registered]:
    """The experiment that the arguments name, with the stack's registries.

    Raises:
        ConfigError: There is no such experiment or stack.
        RegistryError: It has no registered model.
    """
    with experiment_home(options) as (stack, home):
        numbers = versions(home)
        if not numbers:
            raise RegistryError(
                f"{options.command} {home.experiment}: no model is registered in {home.models}; a run with "
                "steps.register registers its model, if it passes register.gate"
            )
        yield Registered(home, numbers, _registries(stack, home, numbers[-1]))


def _registries(stack: Stack, home: Home, newest: int) -> "list[Registry]":
    """Those of the stack, with the MLflow of the newest version's run."""
    from zenml.client import Client

    from operators.registries.found import registries_of

    tracking = runs.read(home, newest).config["tracking"]
    if stack.values is None:
        from cli.activate import register

        register(stack)
        return registries_of(Client().active_stack_model, tracking)
    from cli.aws.find import use_stack
    from operators.clients import clients_of

    use_stack(stack.name)
    clients = clients_of(Client().active_stack)
    return registries_of(Client().active_stack_model, tracking, lambda: clients("sagemaker"))


def who() -> str:
    """Who moves a model: user and machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
