"""The search space: what is searched beside what, and what a grid has."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from finetune.config.model import ModelConfig
from finetune.config.train import TrainConfig
from finetune.config.tune import DistributionConfig, TuneConfig
from finetune.tuning.space import (
    contains,
    defaults,
    grid,
    in_order,
    is_active,
    only_active,
    points,
    section,
    with_params,
)
from finetune.tuning.study import Study

NAMES = ["a", "b", "c", "d", "e"]


@st.composite
def spaces(draw: st.DrawFn, finite: bool = False) -> dict[str, DistributionConfig]:
    """Spaces in which each parameter may depend on earlier ones; they stand in any order."""
    made: dict[str, DistributionConfig] = {}
    for name in NAMES[: draw(st.integers(1, len(NAMES)))]:
        low = draw(st.integers(2, 6))
        kinds: list[dict[str, Any]] = [{"choice": [low, "x", None, True][: draw(st.integers(1, 4))]}]
        kinds.append({"int": [low, low + draw(st.integers(1, 3))]})
        if not finite:
            kinds += [{"uniform": [low, low + 0.5]}, {"log_uniform": [1e-5, 1.0]}]
        parents = [parent for parent in made if made[parent].choice]
        chosen = draw(st.lists(st.sampled_from(parents), max_size=2, unique=True)) if parents else []
        when = {parent: draw(st.sampled_from(made[parent].choice or [])) for parent in chosen}
        made[name] = DistributionConfig(**draw(st.sampled_from(kinds)), when=when)
    return dict(draw(st.permutations(list(made.items()))))


@given(spaces())
def test_a_parameter_comes_after_those_that_it_depends_on(space: dict[str, DistributionConfig]) -> None:
    ordered = in_order(space)
    assert sorted(ordered) == sorted(space)
    for name, distribution in space.items():
        assert all(ordered.index(parent) < ordered.index(name) for parent in distribution.when)


@given(spaces(finite=True))
def test_a_grid_has_each_combination_once_and_nothing_that_is_not_searched(
    space: dict[str, DistributionConfig],
) -> None:
    found = list(points(space))
    assert len({repr(sorted(point.items())) for point in found}) == len(found)
    for point in found:
        for name, distribution in space.items():
            assert (name in point) == is_active(distribution, point)
            assert name not in point or contains(distribution, point[name])


@given(spaces(finite=True))
def test_a_grid_begins_with_the_config_as_it_stands_and_does_not_repeat_it(
    space: dict[str, DistributionConfig],
) -> None:
    first = next(points(space))
    assert grid(space, first) == list(points(space))
    outside = {"a": "nowhere"}
    assert grid(space, outside) == [outside, *points(space)]


@given(spaces(), st.integers(0, 2**32 - 1), st.sampled_from(["tpe", "random"]))
def test_what_a_sampler_gives_lies_in_the_space(space: dict[str, DistributionConfig], seed: int, sampler: str) -> None:
    study = Study(TuneConfig(space=space, sampler=sampler, seed=seed), {}, lower_is_better=False)
    study.ask()
    params = study.ask()
    assert params is not None
    assert params == only_active(space, params)
    assert {name for name in space if is_active(space[name], params)} == params.keys()
    assert all(contains(space[name], value) for name, value in params.items())


def test_true_is_not_one() -> None:
    assert not contains(DistributionConfig(choice=[1, 2]), True)
    assert not contains(DistributionConfig(int=[0, 2]), True)
    assert contains(DistributionConfig(choice=[None, 2]), None)
    assert contains(DistributionConfig(uniform=[0, 2]), 1)


def test_defaults_come_from_the_sections_and_parameters_are_laid_over_them() -> None:
    space = {
        "train.schedule": DistributionConfig(choice=["linear", "cosine"]),
        "train.warmup": DistributionConfig(uniform=[0.0, 0.2], when={"train.schedule": "cosine"}),
        "model.width": DistributionConfig(int=[1, 9]),
    }
    train, model = TrainConfig(), ModelConfig.model_validate({"width": 4})
    assert defaults(space, train.model_dump(), model.model_dump()) == {"train.schedule": "linear", "model.width": 4}
    params = {"train.schedule": "cosine", "train.warmup": 0.1, "model.width": 7}
    assert with_params("train", train, params) == TrainConfig(schedule="cosine", warmup=0.1)
    assert with_params("model", model, params).model_dump() == {"checkpoint": None, "sha256": None, "width": 7}
    assert with_params("train", train, {}) == train
    assert section("model", {"width": 1, "depth": 2}, params) == {"width": 7, "depth": 2}
