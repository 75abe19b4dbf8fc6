"""Turn pydantic's errors into lines that name file, line, key, rule and value."""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from finetune.config.fields import Spot
from finetune.config.located import KeyPath, Located, Problem, dotted
from finetune.config.section import REFERENCE

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LONGEST = 80
CREDENTIALS = re.compile(r"(?<=://)[^\s'\"]*@")
MISSING, UNKNOWN, CUSTOM, PATTERN = "missing", "extra_forbidden", "value_error", "string_pattern_mismatch"
COUNTS = ("too_short", "too_long")
SHAPES = {"model_type": "must be a mapping", "dict_type": "must be a mapping", "list_type": "must be a list"}


def explain(errors: Iterable["ErrorDetails"], tree: Located, root: Spot) -> list[Problem]:
    """Return one problem an error.

    Args:
        errors: What pydantic found in the plain values of tree.
        tree: The same values with their places.
        root: What the models say; it decides which values are not shown.
    """
    return [_problem(error, tree, root) for error in errors]


def message(problems: Iterable[Problem]) -> str:
    """Return the text of a config error: a line a problem, by place, without the credentials of URLs."""
    ordered = sorted(problems, key=lambda problem: (problem.place.source, problem.place.line or 0))
    return "\n".join(dict.fromkeys(CREDENTIALS.sub("***@", str(problem)) for problem in ordered))


def _problem(error: "ErrorDetails", tree: Located, root: Spot) -> Problem:
    path, node, spot, parent = _walk(error["loc"], tree, root)
    if error["type"] == MISSING:
        return Problem(node.place, (*path, error["loc"][-1]), "required key is missing")
    if error["type"] == UNKNOWN:
        return Problem(node.place, path, _unknown(path, parent, root))
    if error["type"] == CUSTOM:
        return Problem(node.place, path, _without_variables(error["msg"].removeprefix("Value error, "), node))
    return Problem(node.place, path, _broken(error, node, spot))


def _broken(error: "ErrorDetails", node: Located, spot: Spot) -> str:
    rule = SHAPES.get(error["type"]) or re.sub(r"^\w+ should ", "must ", error["msg"])
    if error["type"] in COUNTS:
        return rule.replace(" after validation, not", ", but got")
    # A pattern alone is hard to read, so the field's description explains it.
    about = f" ({spot.about})" if error["type"] == PATTERN and spot.about else ""
    return f"{rule}, but {_got(node, spot)}{about}"


def _walk(loc: Sequence[Any], tree: Located, spot: Spot) -> tuple[KeyPath, Located, Spot, Spot]:
    """Follow loc as far as the tree goes; pydantic adds parts that are no keys, such as a union member."""
    path: KeyPath = ()
    parent = spot
    for key in loc:
        value = tree.value
        if (isinstance(value, dict) and key in value) or (isinstance(value, list) and isinstance(key, int)):
            tree, parent, spot, path = value[key], spot, spot.below(key), (*path, key)
    return path, tree, spot, parent


def _unknown(path: KeyPath, parent: Spot, root: Spot) -> str:
    key = str(path[-1])
    elsewhere = list(_places_of(key, root))
    # A key of that very name elsewhere is meant rather than one here that is only a little like it.
    near = difflib.get_close_matches(key, parent.keys, n=1, cutoff=0.8 if elsewhere else 0.6)
    if near:
        return f"unknown key; did you mean {' or '.join([*near, *elsewhere])}?"
    if elsewhere:
        return f"unknown key; its place is {' or '.join(elsewhere)}"
    return f"unknown key; known keys are {', '.join(parent.keys)}"


def _places_of(key: str, spot: Spot, path: KeyPath = ()) -> Iterator[str]:
    """The dotted keys of that name in all sections."""
    for name in spot.keys:
        if name == key:
            yield dotted((*path, name))
        yield from _places_of(key, spot.below(name), (*path, name))


def _got(node: Located, spot: Spot) -> str:
    untyped = node.text is not None and not node.referenced and not isinstance(node.value, str)
    if spot.hidden:
        shown = "".join(match[0] for match in REFERENCE.finditer(node.text or ""))
        advice = "; quote it" if untyped and spot.is_text else ""
        return f"got {shown or 'a value that is not shown'}{advice}"
    if untyped and spot.is_text:
        return f'YAML reads {node.text or "nothing"} as {_shown(node)}; quote it: "{node.text}"'
    return f"got {_shown(node)}"


def _shown(node: Located) -> str:
    if node.referenced:
        return f"the value of {node.text}"
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, list):
        return "a list"
    text = repr(node.value) if isinstance(node.value, str) else json.dumps(node.value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _without_variables(text: str, node: Located) -> str:
    """Put references back where a section's own rule quotes the value of a variable."""
    if isinstance(node.value, dict | list):
        children = node.value.values() if isinstance(node.value, dict) else node.value
        for child in children:
            text = _without_variables(text, child)
    elif node.referenced and isinstance(node.value, str) and node.value:
        text = text.replace(node.value, str(node.text))
    return text
