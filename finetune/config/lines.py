"""Read YAML into values that know their line. A key that stands twice is refused; dates stay text."""

import re
from collections.abc import Callable
from typing import Any

import yaml  # type: ignore[import-untyped]

from finetune.config.located import KeyPath, Located, Place, Problem

MERGE_TAG = "tag:yaml.org,2002:merge"
PLAIN_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]
    """YAML 1.1 but for two traps: `5e-5` is a number, and a date is text, since JSON has no dates."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def parse(text: str, place: Callable[[int], Place], problems: list[Problem], path: KeyPath = ()) -> Located | None:
    """Return the one YAML document in text.

    Args:
        text: YAML; nothing, or only comments, reads as null.
        place: Gives the place of a line (counted from 1).
        problems: Whatever is wrong with the text is appended here.
        path: Dotted key under which the document will stand.

    Returns:
        The document, or None when the text is no YAML.
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Located(None, place(1), "")
        return _Reader(loader, place, problems).read(node, path)
    except yaml.YAMLError as error:
        problems.append(Problem(place(_line(error, text)), path, f"not YAML: {_reason(error)}"))
    except RecursionError:
        problems.append(Problem(place(1), path, "not usable YAML: nested too deeply"))
    return None


def _line(error: yaml.YAMLError, text: str) -> int:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return int(mark.line) + 1
    before = text.encode()[: getattr(error, "position", 0)]
    return before.count(b"\n") + 1


def _reason(error: yaml.YAMLError) -> str:
    parts = (getattr(error, "context", None), getattr(error, "problem", None), getattr(error, "reason", None))
    return ", ".join(str(part) for part in parts if part)


class _Reader:
    """Turns the nodes of one document into located values; each node once, so that aliases cost nothing."""

    def __init__(self, loader: Any, place: Callable[[int], Place], problems: list[Problem]) -> None:
        self._loader = loader
        self._place = place
        self._problems = problems
        self._done: dict[int, Located] = {}
        self._open: set[int] = set()

    def read(self, node: yaml.Node, path: KeyPath, key: yaml.Node | None = None) -> Located:
        if id(node) not in self._done:
            place = self._at(node if key is None or isinstance(node, yaml.ScalarNode) else key)
            if id(node) in self._open:
                self._problems.append(Problem(place, path, "an anchor must not hold itself; remove the alias"))
                return Located(None, place)
            self._open.add(id(node))
            self._done[id(node)] = self._value(node, path, place)
        return self._done[id(node)]

    def _value(self, node: yaml.Node, path: KeyPath, place: Place) -> Located:
        if isinstance(node, yaml.ScalarNode):
            return Located(self._scalar(node, path, place), place, node.value)
        if node.tag not in PLAIN_TAGS:
            self._problems.append(Problem(place, path, f"the tag {node.tag} is not supported"))
        if isinstance(node, yaml.MappingNode):
            return Located(self._mapping(node, path), place)
        return Located([self.read(child, (*path, index)) for index, child in enumerate(node.value)], place)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Located]:
        self._refuse_duplicates(node, path)
        self._loader.flatten_mapping(node)
        return {
            key.value: self.read(child, (*path, key.value), key)
            for key, child in node.value
            if isinstance(key, yaml.ScalarNode)
        }

    def _refuse_duplicates(self, node: yaml.MappingNode, path: KeyPath) -> None:
        first: dict[str, Place] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._problems.append(Problem(self._at(key), path, "a key must be text, but got a mapping or a list"))
            elif key.tag != MERGE_TAG and key.value in first:
                rule = f"duplicate key; it stands at {first[key.value]} already: keep one"
                self._problems.append(Problem(self._at(key), (*path, key.value), rule))
            else:
                first[key.value] = self._at(key)

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath, place: Place) -> Any:
        try:
            value = self._loader.construct_object(node)
        except (ValueError, LookupError):
            value = object()
        if value is None or isinstance(value, str | int | float):
            return value
        self._problems.append(Problem(place, path, f"cannot be read as {node.tag.rsplit(':', 1)[-1]}; quote it"))
        return None

    def _at(self, node: yaml.Node) -> Place:
        return self._place(node.start_mark.line + 1)
