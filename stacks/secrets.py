"""Refuses references to secrets that a job on AWS could not fill in, before anything is submitted."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from finetune.config.experiment import ExperimentConfig
from finetune.config.fields import Spot, spot
from finetune.config.load import resolved
from finetune.config.references import Reference, references_in
from finetune.errors import ConfigError
from stacks.values import Values


def check_references(config: ExperimentConfig, values: Values | None) -> None:
    """Looks at every reference in a key for secrets.

    Args:
        config: As it runs on the stack.
        values: The stack's; None for a stack of this machine, where each reference can be filled in.

    Raises:
        ConfigError: A job would not find a variable, or may not read a secret; a line each, with key and remedy.
    """
    if values is None:
        return
    found = list(_references(resolved(config), spot(ExperimentConfig)))
    faults = [f"{key}: {fault}" for key, each in found if (fault := _fault(each, values))]
    if faults:
        raise ConfigError("\n".join(faults))


def _fault(reference: Reference, values: Values) -> str | None:
    if reference.kind == "env":
        return (
            f"{reference.text} is a variable of this machine, which a job on AWS does not have; put the value into a "
            f"secret store (`zenml secret create NAME --interactive` and ${{zenml:NAME.KEY}}, or `aws secretsmanager "
            f"create-secret --name NAME --secret-string file://FILE` and ${{aws:NAME.KEY}}); what is no secret may "
            f"stand in the config itself"
        )
    if reference.kind == "aws" and not fnmatchcase(reference.name, values.secrets or ""):
        named = f"which is {values.secrets}" if values.secrets else "which is not set"
        return (
            f"{reference.text}: jobs may read the secrets that values.secrets of the stack file names, {named}; name "
            f"the secret there and update the execution role (stacks/iam/README.md), or rename the secret"
        )
    return None


def _references(value: Any, at: Spot, key: str = "") -> Iterator[tuple[str, Reference]]:
    """The references in keys for secrets, with the dotted key of each; elsewhere they were filled in at load."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _references(child, at.below(name), f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _references(child, at.below(index), f"{key}.{index}")
    elif isinstance(value, str) and at.hidden:
        yield from ((key, each) for each in references_in(value))
