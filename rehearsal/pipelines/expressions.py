"""Pipeline variables in a step's arguments: Get, Std:Join and Std:JsonGet, as the SageMaker SDK writes them. Pure."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from rehearsal.errors import ClientFault

GET, JOIN, JSON_GET = "Get", "Std:Join", "Std:JsonGet"
Get = Callable[[str], Any]
JsonGet = Callable[[dict[str, Any]], Any]


def resolve(value: Any, get: Get, json_get: JsonGet) -> Any:
    """The value with its variables replaced.

    Args:
        value: JSON, perhaps with variables in it.
        get: Gives what a path such as `Parameters.Bucket` or `Steps.train.ModelArtifacts` stands for.
        json_get: Gives what a Std:JsonGet stands for.
    """
    if isinstance(value, list):
        return [resolve(member, get, json_get) for member in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {GET}:
        return get(value[GET])
    if value.keys() == {JOIN}:
        parts = [resolve(part, get, json_get) for part in value[JOIN]["Values"]]
        return value[JOIN]["On"].join(str(part) for part in parts)
    if value.keys() == {JSON_GET}:
        return json_get(value[JSON_GET])
    return {name: resolve(member, get, json_get) for name, member in value.items()}


def steps_named(value: Any) -> Iterator[str]:
    """The steps whose results a value uses; the steps inside a condition's branches speak for themselves."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name == GET and isinstance(member, str) and member.startswith("Steps."):
                yield member.split(".")[1]
            elif name not in ("IfSteps", "ElseSteps"):
                yield from steps_named(member)
    elif isinstance(value, list):
        for member in value:
            yield from steps_named(member)


def at_path(value: Any, path: str) -> Any:
    """What lies at a path such as `Outputs['data'].S3Output.S3Uri` or `rows[0].score`.

    Raises:
        ClientFault: Nothing does.
    """
    for name in re.findall(r"[^.\[\]'\"]+", path):
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise ClientFault(f"Unable to resolve property path {path}") from error
    return value
