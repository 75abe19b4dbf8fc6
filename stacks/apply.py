"""Registers a stack file with ZenML; what is registered already is used as it is."""

from pathlib import Path
from uuid import UUID

import yaml
from zenml.client import Client
from zenml.enums import StackComponentType

from finetune.errors import ConfigError

FOLDER = Path(__file__).parent


def stack_names() -> list[str]:
    """Names of the stacks that have a file here."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def apply(name: str) -> UUID:
    """Gives the id of the ZenML stack of that name, registering it and its components where they are missing.

    Raises:
        ConfigError: There is no such stack file.
    """
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(f"--stack {name}: there is no file {path.name} in stacks/; known: {', '.join(stack_names())}")
    components = yaml.safe_load(path.read_text(encoding="utf-8"))
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
