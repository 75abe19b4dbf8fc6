"""The experiment trackers of a ZenML stack, their secrets filled in."""

from typing import Any

from zenml.enums import StackComponentType
from zenml.models import StackResponse
from zenml.utils.secret_utils import is_secret_reference, parse_secret_reference

from finetune.tracking.choose import Component
from operators.secrets import read_zenml


def trackers_of(stack: StackResponse | None) -> list[Component]:
    """Flavor and settings of each; none where there is no stack any more."""
    there = stack.components.get(StackComponentType.EXPERIMENT_TRACKER, []) if stack else []
    return [Component(each.flavor_name, _filled(each.configuration)) for each in there]


def _filled(configuration: dict[str, Any]) -> dict[str, Any]:
    """The settings, secrets read from ZenML's store."""
    filled = dict(configuration)
    for name, value in configuration.items():
        if is_secret_reference(value):
            reference = parse_secret_reference(value)
            filled[name] = read_zenml(reference.name, reference.key)
    return filled
