import copy
import json
import operator
import pickle
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import dill
import pytest

from finetune.calls import MissingKey
from finetune.errors import PrepareError
from finetune.prepare.watched import Guarded, Noted

ONE: list[Callable[[Any], Any]] = [
    lambda model: model["a"],
    lambda model: model.get("a"),
    lambda model: "a" in model,
    lambda model: operator.itemgetter("a")(model),
    lambda model: operator.mod("%(a)s", model),
    lambda model: "{a}".format_map(model),
    lambda model: model.pop("a"),
    lambda model: model.setdefault("a", 1),
]
ALL: list[Callable[[Any], Any]] = [
    dict,
    list,
    len,
    bool,
    repr,
    str,
    reversed,
    lambda model: {**model},
    lambda model: (lambda **keys: keys)(**model),
    lambda model: model | {},
    lambda model: {} | model,
    lambda model: model == {},
    lambda model: model.keys(),
    lambda model: model.values(),
    lambda model: model.items(),
    lambda model: model.copy(),
    lambda model: model.popitem(),
    json.dumps,
    copy.copy,
    copy.deepcopy,
]


@pytest.mark.parametrize("read", ONE)
def test_each_way_to_read_a_key_is_noted_and_guarded(read: Callable[[Any], Any]) -> None:
    noted = Noted({"a": 1, "b": 2})
    read(noted)
    assert noted.read == {"a"}
    read(Guarded({"a": 1}, {"b": ["x", "y"]}))
    with pytest.raises(PrepareError, match=r"model\['a'\], on which the models x, y differ.*share a dataset.*first"):
        read(Guarded({"b": 1}, {"a": ["x", "y"]}))


@pytest.mark.parametrize("read", ALL)
def test_each_way_to_read_the_whole_is_noted_and_guarded(read: Callable[[Any], Any]) -> None:
    noted = Noted({"a": 1, "b": 2})
    read(noted)
    assert noted.read is None
    read(Guarded({"a": 1, "b": 2}, {}))
    if read in (copy.copy, copy.deepcopy):
        assert isinstance(read(Guarded({"a": 1}, {"b": ["x", "y"]})), Guarded)
    else:
        with pytest.raises(PrepareError, match="reads all keys of model, b among them"):
            read(Guarded({"a": 1}, {"b": ["x", "y"]}))


def test_a_key_that_is_not_there_is_noted_too_and_answered_as_ever() -> None:
    noted = Noted({"width": 1})
    assert noted.get("tail", 3) == 3
    with pytest.raises(MissingKey) as caught:
        noted["widht"]
    assert "did you mean width?" in caught.value.advice
    assert noted.read == {"tail", "widht"}


@pytest.mark.parametrize("pickling", [pickle, dill])
def test_a_guard_travels_to_another_process(pickling: Any) -> None:
    guard = pickling.loads(pickling.dumps(Guarded({"a": 1}, {"b": ["x", "y"]})))
    assert isinstance(guard, dict) and guard["a"] == 1
    with pytest.raises(PrepareError, match="x, y"):
        guard.get("b")


def test_a_refusal_that_a_function_catches_is_not_forgotten() -> None:
    guard = Guarded({}, {"b": ["x", "y"]})
    guard.check()
    with suppress(PrepareError):
        guard["b"]
    with pytest.raises(PrepareError, match="x, y"):
        guard.check()


def test_what_a_call_changes_does_not_reach_the_next_one() -> None:
    guard = Guarded({"a": 1}, {})
    guard.for_a_call().pop("a")
    assert guard.for_a_call() == {"a": 1}
