"""A component's settings as ZenML keeps them: checked by its flavor, references to secrets left as they are."""

from typing import Any

from pydantic import ValidationError
from zenml.enums import StackComponentType
from zenml.stack.utils import validate_stack_component_config
from zenml.utils.secret_utils import is_secret_reference, parse_secret_reference

from finetune.errors import ConfigError
from stacks.components import Configuration, Registered


def checked(wanted: Registered) -> Configuration:
    """The settings that are kept; `{{secret.key}}` stays a reference, whose value only its user reads.

    Raises:
        ConfigError: ZenML has no such flavor, the flavor refuses a setting, or ZenML has no such secret.
    """
    key = f"components.{wanted.kind}"
    for name, value in wanted.configuration.items():
        if is_secret_reference(value):
            _check_secret(f"{key}.{name}", value)
    try:
        found = validate_stack_component_config(
            configuration_dict=wanted.configuration,
            flavor=wanted.flavor,
            component_type=StackComponentType(wanted.kind),
            validate_custom_flavors=True,
        )
    except ValidationError as error:
        # The error's own text quotes the values.
        faults = (f"{'.'.join([key, *map(str, each['loc'])])}: {each['msg']}" for each in error.errors())
        raise ConfigError("\n".join(faults)) from None
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{key}: {error.args[0] if error.args else error}") from None
    return found.model_dump(mode="json", exclude_unset=True) if found else {}


def _check_secret(key: str, value: Any) -> None:
    from operators.secrets import read_zenml

    reference = parse_secret_reference(value)
    try:
        read_zenml(reference.name, reference.key)
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from None
