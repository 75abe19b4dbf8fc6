"""Checks a request as the service does, with the service's own model as botocore ships it.

botocore itself checks no maximum, pattern or enum before it sends, so that such an error shows only on AWS.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import regex
from botocore.model import OperationModel, Shape

from rehearsal.errors import ServiceError

NUMBERS = ("integer", "long", "float", "double")


@cache
def _operation(name: str, service: str) -> OperationModel:
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def validate(operation: str, request: dict[str, Any], service: str = "sagemaker") -> None:
    """Checks lengths, numbers, patterns, enums and required members.

    Raises:
        ServiceError: ValidationException, with all that is wrong.
    """
    shape = _operation(operation, service).input_shape
    wrong = list(_check(shape, request, "")) if shape is not None else []
    if wrong:
        count = f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected: "
        raise ServiceError("ValidationException", count + "; ".join(wrong))


def _check(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """All that is wrong with one value, as the service words it."""
    if shape.type_name == "structure":
        yield from _structure(shape, value, path)
    elif shape.type_name == "list":
        yield from _length(shape, value, path)
        for number, member in enumerate(value, start=1):
            yield from _check(shape.member, member, f"{path}.{number}.member")
    elif shape.type_name == "map":
        yield from _length(shape, value, path)
        for key, member in value.items():
            yield from _check(shape.key, key, f"{path}.key")
            yield from _check(shape.value, member, f"{path}.{key}.member")
    elif shape.type_name == "string":
        yield from _string(shape, value, path)
    elif shape.type_name in NUMBERS:
        yield from _number(shape, value, path)


def _structure(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        raise ServiceError("SerializationException", f"{path or 'the request'} must be a structure")
    for name in shape.required_members:
        if value.get(name) is None:
            yield _wrong("null", _below(path, name), "Member must not be null")
    for name, member in value.items():
        if name in shape.members and member is not None:
            yield from _check(shape.members[name], member, _below(path, name))


def _string(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        raise ServiceError("SerializationException", f"{type(value).__name__} value cannot be converted to String")
    yield from _length(shape, value, path)
    pattern = shape.metadata.get("pattern")
    # The patterns hold classes such as \p{L}, which the standard library's `re` does not know.
    if pattern is not None and not regex.fullmatch(pattern, value):
        yield _wrong(value, path, f"Member must satisfy regular expression pattern: {pattern}")
    enum = shape.metadata.get("enum")
    if enum and value not in enum:
        yield _wrong(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")


def _length(shape: Shape, value: Any, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        yield _wrong(value, path, f"Member must have length greater than or equal to {least}")
    if most is not None and len(value) > most:
        yield _wrong(value, path, f"Member must have length less than or equal to {most}")


def _number(shape: Shape, value: Any, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        yield _wrong(value, path, f"Member must have value greater than or equal to {least}")
    if most is not None and value > most:
        yield _wrong(value, path, f"Member must have value less than or equal to {most}")


def _below(path: str, name: str) -> str:
    """Member names as the service writes them: the first letter small."""
    name = name[0].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _wrong(value: Any, path: str, rule: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {rule}"
