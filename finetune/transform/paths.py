"""The filters of a batch transform: the part of JSONPath that SageMaker knows, to pick parts of a record. Pure."""

import json
import re
from collections.abc import Callable
from typing import Any

from finetune.errors import TransformError

ANSWER, RECORD = "SageMakerOutput", "SageMakerInput"
"""Members of a joined record: the answer, and what was asked where that is no object."""
MEMBER = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)")
NAMES = re.compile(r"""\[\s*((?:'[^']*'|"[^"]*")(?:\s*,\s*(?:'[^']*'|"[^"]*"))*)\s*\]""")
NUMBERS = re.compile(r"\[\s*(-?\d+(?:\s*,\s*-?\d+)*)\s*\]")
SLICE = re.compile(r"\[\s*(-?\d*)\s*:\s*(-?\d*)\s*\]")

Pick = Callable[[Any], Any]


def parsed(path: str) -> list[Pick]:
    """What a path picks, one after the other: `$.a.b`, `$['a','b']`, `$[0]`, `$[0,-1]`, `$[1:]`, or `$` for all.

    Raises:
        TransformError: It is no such path.
    """
    rest, picks = path.strip(), list[Pick]()
    if not rest.startswith("$"):
        raise _refused(path)
    rest = rest[1:]
    while rest:
        for pattern, pick in ((MEMBER, _member), (NAMES, _names), (NUMBERS, _numbers), (SLICE, _slice)):
            found = pattern.match(rest)
            if found:
                picks.append(pick(found))
                rest = rest[found.end() :]
                break
        else:
            raise _refused(path)
    return picks


def picked(value: Any, path: str) -> Any:
    """The part of a value that a path names.

    Raises:
        TransformError: The value has no such part, or it is no path.
    """
    for pick in parsed(path):
        try:
            value = pick(value)
        except (KeyError, IndexError, TypeError) as error:
            raise TransformError(f"{path} names nothing in {json.dumps(value)[:200]} ({error!r})") from error
    return value


def joined(record: Any, answer: Any) -> Any:
    """A record with its answer, as JoinSource Input gives it."""
    return {**record, ANSWER: answer} if isinstance(record, dict) else {RECORD: record, ANSWER: answer}


def _member(found: re.Match[str]) -> Pick:
    return lambda value: value[found[1]]


def _names(found: re.Match[str]) -> Pick:
    names = [name[1:-1] for name in re.findall(r"'[^']*'|\"[^\"]*\"", found[1])]
    return lambda value: value[names[0]] if len(names) == 1 else {name: value[name] for name in names}


def _numbers(found: re.Match[str]) -> Pick:
    numbers = [int(number) for number in found[1].split(",")]

    def pick(value: Any) -> Any:
        if not isinstance(value, list):
            raise TypeError("it is no list")
        return value[numbers[0]] if len(numbers) == 1 else [value[number] for number in numbers]

    return pick


def _slice(found: re.Match[str]) -> Pick:
    start, stop = (int(number) if number else None for number in found.groups())

    def pick(value: Any) -> Any:
        if not isinstance(value, list):
            raise TypeError("it is no list")
        return value[start:stop]

    return pick


def _refused(path: str) -> TransformError:
    return TransformError(f"must be a path such as $.instance, $['guid','SageMakerOutput'] or $[1:], but got {path!r}")
