"""What the models say of a dotted key: its types, the keys below it, and whether it holds a secret."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from finetune.config.section import SECRET_MARK


@dataclass(frozen=True)
class Spot:
    """A position in the config, known or not."""

    types: tuple[Any, ...]
    """The alternatives of its annotation; empty where no model knows the key."""
    secret: bool
    """It, or a section that it stands in without being known there, is marked as secret."""
    about: str = ""
    """The description of the field."""

    @property
    def keys(self) -> list[str]:
        """The keys that a section here knows."""
        return [name for kind in self.types if _is_model(kind) for name in kind.model_fields]

    @property
    def hidden(self) -> bool:
        """Whether a value that stands here may be a secret, or hold one."""
        return self.secret or any(child.hidden for child in self._children())

    @property
    def is_text(self) -> bool:
        """Whether only strings are valid here."""
        return bool(self.types) and all(_is_text(kind) for kind in self.types) and self.types != (NoneType,)

    def below(self, key: str | int) -> "Spot":
        """Return the position of a key or list index; an unknown key is as secret as its surroundings."""
        for kind in self.types:
            if _is_model(kind) and key in kind.model_fields:
                field = kind.model_fields[key]
                return spot(field.annotation, field.metadata, self.secret, field.description or "")
            if get_origin(kind) is dict:
                return spot(get_args(kind)[1], secret=self.secret, about=self.about)
            if get_origin(kind) is list and isinstance(key, int):
                return spot(get_args(kind)[0], secret=self.secret, about=self.about)
        return Spot((), self.hidden)

    def _children(self) -> Iterator["Spot"]:
        yield from (self.below(name) for name in self.keys)
        for kind in self.types:
            if get_origin(kind) in (dict, list):
                yield spot(get_args(kind)[-1])


def spot(annotation: Any, marks: Sequence[Any] = (), secret: bool = False, about: str = "") -> Spot:
    """Return the position that an annotation describes."""
    pairs = list(_alternatives(annotation, tuple(marks)))
    marked = any(SECRET_MARK in found for _, found in pairs)
    return Spot(tuple(kind for kind, _ in pairs), secret or marked, about)


def _alternatives(annotation: Any, marks: tuple[Any, ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        yield from _alternatives(inner, (*marks, *more))
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _alternatives(member, marks)
    else:
        yield annotation, marks


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_text(kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return all(isinstance(choice, str) for choice in get_args(kind))
    return kind in (str, NoneType)
