"""Registers a stack file with ZenML; what is registered already is used as it is."""

from uuid import UUID

import yaml
from zenml.client import Client
from zenml.enums import StackComponentType

from stacks.files import stack_file


def apply(name: str) -> UUID:
    """Gives the id of the ZenML stack of that name, registering it and its components where they are missing.

    Raises:
        ConfigError: There is no such stack file.
    """
    components = yaml.safe_load(stack_file(name).read_text(encoding="utf-8"))
    client = Client()
    for stack in client.list_stacks(name=name).items:
        return stack.id
    ids = {StackComponentType(kind): _component(client, kind, **settings) for kind, settings in components.items()}
    return client.create_stack(name=name, components=ids).id


def _component(client: Client, kind: str, name: str, flavor: str, **configuration: str) -> UUID:
    known = client.list_stack_components(type=kind, name=name).items
    if known:
        return known[0].id
    return client.create_stack_component(
        name=name, flavor=flavor, component_type=StackComponentType(kind), configuration=configuration
    ).id
