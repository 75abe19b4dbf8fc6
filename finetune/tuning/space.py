"""The search space of a study: which parameters a trial has, and what may stand in them. Pure."""

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from finetune.config.tune import DistributionConfig, Scalar

Params = dict[str, Any]
"""A dotted key such as train.learning_rate to its value."""
C = TypeVar("C", bound=BaseModel)
SECTIONS = ("train", "model")


def in_order(space: "Mapping[str, DistributionConfig]") -> list[str]:
    """The parameters, each after those that its `when` names; those of a circle, or after an unknown one, are missing.

    Among equals the config's order stays.
    """
    ordered: list[str] = []
    rest = list(space)
    while ready := next((name for name in rest if all(parent in ordered for parent in space[name].when)), None):
        ordered.append(ready)
        rest.remove(ready)
    return ordered


def is_active(distribution: "DistributionConfig", params: Params) -> bool:
    """Whether a parameter is searched beside these, of which those that its `when` names were chosen before."""
    return all(
        name in params and any(same(params[name], value) for value in listed(wanted))
        for name, wanted in distribution.when.items()
    )


def contains(distribution: "DistributionConfig", value: Any) -> bool:
    """Whether a value may come out of a distribution."""
    if distribution.choice is not None:
        return any(same(value, each) for each in distribution.choice)
    low, high = bounds(distribution)
    kinds = (int,) if distribution.int is not None else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high


def bounds(distribution: "DistributionConfig") -> tuple[float, float]:
    """Lowest and highest value of a distribution of numbers."""
    low, high = distribution.uniform or distribution.log_uniform or distribution.int or (0, 0)
    return low, high


def values(distribution: "DistributionConfig") -> "list[Scalar] | None":
    """All values of a distribution in order; None if it has no end of them."""
    if distribution.choice is not None:
        return list(distribution.choice)
    if distribution.int is not None:
        return list(range(distribution.int[0], distribution.int[1] + 1))
    return None


def points(space: "Mapping[str, DistributionConfig]") -> Iterator[Params]:
    """All combinations of a finite space, each once; the last parameter changes first."""
    names = in_order(space)
    seen: set[str] = set()
    for combination in itertools.product(*(values(space[name]) or [] for name in names)):
        params = only_active(space, dict(zip(names, combination, strict=True)))
        if repr(params) not in seen:  # combinations that differ in a parameter which is not searched are one
            seen.add(repr(params))
            yield params


def grid(space: "Mapping[str, DistributionConfig]", default: Params) -> list[Params]:
    """The trials of a grid: the config as it stands, and then every other point."""
    return [default, *(each for each in points(space) if not _equal(each, default))]


def _equal(one: Params, other: Params) -> bool:
    return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)


def only_active(space: "Mapping[str, DistributionConfig]", params: Params) -> Params:
    """The parameters of a trial: those among these that are searched beside the others."""
    kept: Params = {}
    for name in in_order(space):
        if name in params and is_active(space[name], kept):
            kept[name] = params[name]
    return kept


def defaults(space: "Mapping[str, DistributionConfig]", train: Mapping[str, Any], model: Mapping[str, Any]) -> Params:
    """The parameters as the config has them, of those that are searched beside each other."""
    sections = dict(zip(SECTIONS, (train, model), strict=True))
    return only_active(space, {name: sections[part(name)][key(name)] for name in space})


def section(name: str, given: Mapping[str, Any], params: Params) -> dict[str, Any]:
    """The section `name` of a config with a trial's parameters laid over it."""
    return {**given, **{key(each): value for each, value in params.items() if part(each) == name}}


def with_params(name: str, given: C, params: Params) -> C:
    """As `section`, of a config's object."""
    return type(given).model_validate(section(name, given.model_dump(), params))


def part(name: str) -> str:
    """The section of a dotted key."""
    return name.partition(".")[0]


def key(name: str) -> str:
    """The key in that section."""
    return name.partition(".")[2]


def listed(wanted: "Scalar | list[Scalar]") -> "list[Scalar]":
    """What `when` asks for, as a list of values."""
    return wanted if isinstance(wanted, list) else [wanted]


def same(one: Any, other: Any) -> bool:
    """Equality in which true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
