"""Registers a stack file with ZenML, or brings what is registered up to date with it."""

from uuid import UUID

from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.models import ComponentResponse, ComponentUpdate

from stacks import flavor
from stacks.components import Configuration, Registered, registered
from stacks.files import Stack, load_stack
from stacks.settings import checked

Ids = dict[StackComponentType, list[UUID]]


def apply(name: str) -> UUID:
    """Gives the id of the ZenML stack of that name, after registering or updating it and its components.

    Raises:
        ConfigError: There is no such stack file, or something is wrong with it: a setting that a flavor refuses, or a
            secret or service connector that ZenML has not.
    """
    client, stack = Client(), load_stack(name)
    connector = _connector(stack)
    ids: Ids = {}
    for component in registered(stack):
        if component.flavor == flavor.FLAVOR:
            if not flavor.is_present():
                continue
            flavor.register_flavor(client)
        ids.setdefault(StackComponentType(component.kind), []).append(
            _component(client, component, connector if component.connected else None)
        )
    return _stack(client, name, ids)


def _stack(client: Client, name: str, ids: Ids) -> UUID:
    known = client.list_stacks(name=f"equals:{name}").items
    if not known:
        try:
            return client.create_stack(name=name, components=ids).id
        except flavor.TAKEN:
            if not client.list_stacks(name=f"equals:{name}").items:
                raise
            return _stack(client, name, ids)
    there = {kind: [each.id for each in some] for kind, some in known[0].components.items()}
    if there != ids:
        client.update_stack(known[0].id, component_updates=ids)
    return known[0].id


def _connector(stack: Stack) -> UUID | None:
    if stack.values is None or stack.values.connector is None:
        return None
    from operators.connector import find_connector

    return find_connector(stack.values.connector, stack.values.region)


def _component(client: Client, wanted: Registered, connector: UUID | None) -> UUID:
    kind, configuration = StackComponentType(wanted.kind), checked(wanted)
    known = client.list_stack_components(type=kind, name=f"equals:{wanted.name}").items
    if known and known[0].flavor_name == wanted.flavor:
        return _updated(client, known[0], configuration, connector)
    if known:
        # A component cannot change its flavor, and its name is taken.
        client.update_stack_component(known[0].id, kind, name=f"{wanted.name}-{str(known[0].id)[:8]}")
    try:
        made = client.create_stack_component(wanted.name, wanted.flavor, kind, configuration)
    except flavor.TAKEN:
        if not client.list_stack_components(type=kind, name=f"equals:{wanted.name}").items:
            raise
        return _component(client, wanted, connector)
    return _updated(client, made, configuration, connector)


def _updated(client: Client, known: ComponentResponse, configuration: Configuration, connector: UUID | None) -> UUID:
    """Replaces configuration and service connector where they differ.

    Both at once: `client.update_stack_component` keeps keys that are gone, and ZenML's store takes an update without a
    connector as the wish to have none.
    """
    linked = known.connector.id if known.connector else None
    if configuration != known.configuration or connector != linked:
        update = ComponentUpdate(configuration=configuration, connector=connector)
        client.zen_store.update_stack_component(known.id, update)
    return known.id
