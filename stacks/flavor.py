"""The flavor of operators/, registered with ZenML; a project without that folder has stacks without step operators."""

from importlib.util import find_spec
from uuid import UUID

from zenml.client import Client
from zenml.enums import StackComponentType

FLAVOR, MODULE, SOURCE = "finetune_sagemaker", "operators.flavor", "operators.flavor.FinetuneSagemakerFlavor"


def is_present() -> bool:
    """Whether the flavor's module is there."""
    return find_spec("operators") is not None and find_spec(MODULE) is not None


def register_flavor(client: Client) -> UUID:
    """Registers the flavor, unless it is."""
    known = client.list_flavors(name=FLAVOR, type=StackComponentType.STEP_OPERATOR).items
    return known[0].id if known else client.create_flavor(SOURCE, StackComponentType.STEP_OPERATOR).id
