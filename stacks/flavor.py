"""The flavor of operators/, registered with ZenML; a project without that folder has stacks without step operators."""

from importlib.util import find_spec
from uuid import UUID

from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.exceptions import EntityExistsError

FLAVOR, MODULE, SOURCE = "finetune_sagemaker", "operators.flavor", "operators.flavor.FinetuneSagemakerFlavor"

TAKEN = (EntityExistsError, RuntimeError)
"""Another process registers the same at this moment: ZenML's server knows at once, or when its database refuses."""


def is_present() -> bool:
    """Whether the flavor's module is there."""
    return find_spec("operators") is not None and find_spec(MODULE) is not None


def register_flavor(client: Client) -> UUID:
    """Registers the flavor, unless it is."""
    known = client.list_flavors(name=FLAVOR, type=StackComponentType.STEP_OPERATOR).items
    if known:
        return known[0].id
    try:
        return client.create_flavor(SOURCE, StackComponentType.STEP_OPERATOR).id
    except TAKEN:
        if not client.list_flavors(name=FLAVOR, type=StackComponentType.STEP_OPERATOR).items:
            raise
        return register_flavor(client)
