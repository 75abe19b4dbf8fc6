"""A pipeline's definition: its parameters and steps, which step waits for which, and what is wrong with it. Pure."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rehearsal.errors import ServiceError
from rehearsal.pipelines.expressions import steps_named

Step = dict[str, Any]
TYPES = ("Training", "Processing", "Model", "RegisterModel", "Condition", "Fail")
CONVERT: dict[str, Callable[[Any], Any]] = {
    "Integer": int,
    "Float": float,
    "String": str,
    "Boolean": lambda text: str(text).lower() == "true",
}


@dataclass(frozen=True)
class Definition:
    """Parameters as the definition lists them, and its outermost steps by name."""

    parameters: list[dict[str, Any]]
    steps: dict[str, Step]


def parse(text: str) -> Definition:
    """Reads and checks a definition.

    Raises:
        ServiceError: It is no JSON, names a step twice or one that does not exist, or goes in a circle.
    """
    try:
        values = json.loads(text)
        steps = {step["Name"]: step for step in values["Steps"]}
    except (ValueError, KeyError, TypeError) as error:
        raise _refused(f"Unable to parse pipeline definition: {error}") from error
    if len(steps) != len(values["Steps"]):
        raise _refused("Step names must be unique")
    everywhere = dict(all_steps(steps.values()))
    for name, step in everywhere.items():
        if step["Type"] not in TYPES:
            raise _refused(f"Step {name}: type {step['Type']} is not rehearsed; {', '.join(TYPES)} are")
        unknown = sorted(waits_for(step) - everywhere.keys())
        if unknown:
            raise _refused(f"Step {name} depends on steps that do not exist: {', '.join(unknown)}")
    _check_order(everywhere)
    return Definition(values.get("Parameters", []), steps)


def all_steps(steps: Iterable[Step]) -> Iterable[tuple[str, Step]]:
    """The steps and those in the branches of their conditions."""
    for step in steps:
        yield step["Name"], step
        if step["Type"] == "Condition":
            for branch in ("IfSteps", "ElseSteps"):
                yield from all_steps(step["Arguments"].get(branch) or [])


def waits_for(step: Step) -> set[str]:
    """The steps that must have succeeded before this one."""
    return set(step.get("DependsOn") or []) | set(steps_named(step.get("Arguments")))


def ready(steps: dict[str, Step], statuses: dict[str, str]) -> list[str]:
    """The steps that may start now: not begun, and all that they wait for has succeeded."""
    succeeded = {name for name, status in statuses.items() if status == "Succeeded"}
    return [name for name, step in steps.items() if name not in statuses and waits_for(step) <= succeeded]


def parameter_values(definition: Definition, given: list[dict[str, str]]) -> dict[str, Any]:
    """Every parameter's value for one execution, of its own type.

    Raises:
        ServiceError: One is unknown, has no value, or not the right type.
    """
    kinds = {each["Name"]: each["Type"] for each in definition.parameters}
    values = {each["Name"]: each.get("DefaultValue") for each in definition.parameters}
    values |= {each["Name"]: each["Value"] for each in given}
    unknown = sorted(values.keys() - kinds.keys())
    if unknown:
        raise _refused(f"Unknown pipeline parameters: {', '.join(unknown)}")
    empty = sorted(name for name, value in values.items() if value is None)
    if empty:
        raise _refused(f"Assemble pipeline failed: parameters without a value: {', '.join(empty)}")
    try:
        return {name: CONVERT[kinds[name]](value) for name, value in values.items()}
    except ValueError as error:
        raise _refused(f"Assemble pipeline failed: {error}") from error


def _check_order(steps: dict[str, Step]) -> None:
    left = {name: waits_for(step) for name, step in steps.items()}
    while left:
        free = {name for name, waits in left.items() if not waits & left.keys()}
        if not free:
            raise _refused(f"Pipeline has a circular dependency among the steps {', '.join(sorted(left))}")
        left = {name: waits for name, waits in left.items() if name not in free}


def _refused(text: str) -> ServiceError:
    return ServiceError("ValidationException", text)
