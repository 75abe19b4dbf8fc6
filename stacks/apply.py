"""Registers a stack file with ZenML, or brings what is registered up to date with it."""

from uuid import UUID

from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.models import ComponentResponse, ComponentUpdate
from zenml.stack.utils import validate_stack_component_config

from stacks import flavor
from stacks.components import Registered, registered
from stacks.files import load_stack

Ids = dict[StackComponentType, list[UUID]]


def apply(name: str) -> UUID:
    """Gives the id of the ZenML stack of that name, after registering or updating it and its components.

    Raises:
        ConfigError: There is no such stack file, or something is wrong with it.
    """
    client = Client()
    ids: Ids = {}
    for component in registered(load_stack(name)):
        if component.flavor == flavor.FLAVOR:
            if not flavor.is_present():
                continue
            flavor.register_flavor(client)
        ids.setdefault(StackComponentType(component.kind), []).append(_component(client, component))
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


def _component(client: Client, wanted: Registered) -> UUID:
    kind = StackComponentType(wanted.kind)
    known = client.list_stack_components(type=kind, name=f"equals:{wanted.name}").items
    if known and known[0].flavor_name == wanted.flavor:
        return _updated(client, known[0], wanted)
    if known:
        # A component cannot change its flavor, and its name is taken.
        client.update_stack_component(known[0].id, kind, name=f"{wanted.name}-{str(known[0].id)[:8]}")
    try:
        made = client.create_stack_component(wanted.name, wanted.flavor, kind, wanted.configuration)
    except flavor.TAKEN:
        if not client.list_stack_components(type=kind, name=f"equals:{wanted.name}").items:
            raise
        return _component(client, wanted)
    return _connected(client, made, wanted)


def _updated(client: Client, known: ComponentResponse, wanted: Registered) -> UUID:
    """Replaces the configuration where it differs: `client.update_stack_component` keeps keys that are gone."""
    checked = validate_stack_component_config(
        configuration_dict=wanted.configuration,
        flavor=wanted.flavor,
        component_type=known.type,
        validate_custom_flavors=True,
    )
    configuration = checked.model_dump(mode="json", exclude_unset=True) if checked else {}
    if configuration != known.configuration:
        client.zen_store.update_stack_component(known.id, ComponentUpdate(configuration=configuration))
    return _connected(client, known, wanted)


def _connected(client: Client, component: ComponentResponse, wanted: Registered) -> UUID:
    """Links the service connector that the file names, or unlinks one that it no longer names."""
    linked = component.connector.name if component.connector else None
    if linked != wanted.connector:
        if wanted.connector is None:
            client.update_stack_component(component.id, component.type, disconnect=True)
        else:
            connector = client.get_service_connector(wanted.connector)
            client.update_stack_component(component.id, component.type, connector_id=connector.id)
    return component.id
