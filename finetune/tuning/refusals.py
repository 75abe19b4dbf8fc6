"""What cannot be searched, said before anything starts. Pure."""

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from finetune.calls import did_you_mean
from finetune.tuning.space import (
    SECTIONS,
    Params,
    bounds,
    contains,
    defaults,
    grid,
    in_order,
    key,
    listed,
    part,
    values,
)

if TYPE_CHECKING:
    from finetune.config.tune import DistributionConfig, TuneConfig

KINDS = ("uniform", "log_uniform", "int", "choice")
FIXED = {
    "train.best_metric": "it picks the checkpoint of every trial, so that trials can be compared",
    "model.sha256": "it belongs to model.checkpoint",
}
"""Keys of these sections that make no parameter."""
MOST_POINTS = 100_000


def refused_distribution(distribution: "DistributionConfig") -> str | None:
    """The rule that a distribution breaks by itself; None if there is none."""
    kinds = [kind for kind in KINDS if getattr(distribution, kind) is not None]
    if len(kinds) != 1:
        return f"must have exactly one of {', '.join(KINDS)}, but has {' and '.join(kinds) or 'none'}"
    if distribution.choice is not None:
        twice = [
            one for at, one in enumerate(distribution.choice) if any(one == each for each in distribution.choice[:at])
        ]
        return f"choice: each value must stand once, but got {twice[0]!r} twice" if twice else None
    low, high = bounds(distribution)
    if low >= high:
        return f"{kinds[0]}: must be [low, high] with low below high, but got [{low:g}, {high:g}]"
    if distribution.log_uniform is not None and low <= 0:
        return f"log_uniform: both must be above 0, but got [{low:g}, {high:g}]"
    return None


def refused_study(tune: "TuneConfig", train: BaseModel, model: BaseModel) -> list[str]:
    """The rules that the search space breaks beside the sections that it changes; empty if there are none."""
    wrong = [
        f"tune.space.{name}: {rule}"
        for name, distribution in tune.space.items()
        for rule in _refused(name, distribution, tune.space, dict(zip(SECTIONS, (train, model), strict=True)))
    ]
    if not wrong and tune.sampler == "grid" and tune.engine == "study":
        wrong += _refused_grid(tune, defaults(tune.space, train.model_dump(), model.model_dump()))
    return wrong


def _refused(
    name: str,
    distribution: "DistributionConfig",
    space: "Mapping[str, DistributionConfig]",
    sections: Mapping[str, BaseModel],
) -> Iterator[str]:
    unknown = _unknown(name, sections)
    if unknown is not None:
        yield unknown
        return
    yield from _invalid(name, distribution, sections[part(name)])
    parents = [rule for parent, wanted in distribution.when.items() for rule in _refused_parent(parent, wanted, space)]
    yield from parents
    if not parents and name not in in_order(space) and all(parent in space for parent in distribution.when):
        yield "when: must not lead back to the key itself"


def _unknown(name: str, sections: Mapping[str, BaseModel]) -> str | None:
    known = [f"{each}.{field}" for each in SECTIONS for field in _fields(sections[each])]
    if name in FIXED:
        return f"cannot be searched: {FIXED[name]}"
    if name in known:
        return None
    near = difflib.get_close_matches(name, known, n=1) or [each for each in known if key(each) == name]
    searched = [each for each in known if each not in FIXED]
    advice = f"did you mean {near[0]}?" if near else f"known keys are {', '.join(searched)}"
    if part(name) == "model" and key(name):
        return f"must stand in model:, too, with the value that it has by default; {advice}"
    return f"unknown parameter; {advice}"


def _fields(section: BaseModel) -> list[str]:
    return [*type(section).model_fields, *(section.model_extra or {})]


def _invalid(name: str, distribution: "DistributionConfig", section: BaseModel) -> Iterator[str]:
    """Both bounds, or all choices, must be valid where they are to stand."""
    for given in distribution.choice or distribution.int or bounds(distribution):
        try:
            type(section).model_validate({**section.model_dump(), key(name): given})
        except ValidationError as error:
            rule = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            yield f"{given!r} cannot stand in {name}: {rule[0].lower()}{rule[1:]}"


def _refused_parent(parent: str, wanted: Any, space: "Mapping[str, DistributionConfig]") -> Iterator[str]:
    if parent not in space:
        yield f"when: {parent} must be a key of tune.space; {did_you_mean(parent, list(space))}"
        return
    if values(space[parent]) is None:
        yield f"when: {parent} must have a choice or int, so that it can be equal to something"
        return
    for value in listed(wanted):
        if not contains(space[parent], value):
            yield f"when: {parent} is never {value!r}"


def _refused_grid(tune: "TuneConfig", default: Params) -> list[str]:
    endless = [name for name, distribution in tune.space.items() if values(distribution) is None]
    if endless:
        return [f"tune.sampler: grid needs a choice or int for each key, but {', '.join(endless)} has no end of values"]
    size = 1
    for distribution in tune.space.values():
        size *= len(values(distribution) or [])
    if size > MOST_POINTS:
        return [f"tune.sampler: grid would have {size:,} points; take fewer values, or random"]
    needed = len(grid(tune.space, default))
    if tune.trials < needed:
        return [
            f"tune.trials: must be at least {needed}, the points of the grid and the config as it stands, "
            f"but got {tune.trials}"
        ]
    return []
