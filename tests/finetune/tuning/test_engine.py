"""What SageMaker's tuning job cannot do, in which words it is refused, and its texts of values."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.config.load import load_config
from finetune.config.tune import DistributionConfig, TuneConfig
from finetune.errors import ConfigError, TuneError
from finetune.tuning.texts import from_texts, to_text
from stacks.engine import check_engine
from stacks.files import load_stack

CONFIG = Path(__file__).parents[3] / "configs" / "EXP-3333.yaml"
GOOD = ("tune.engine=sagemaker", "steps.tune=true", "compute.tune={instance_type: ml.g5.xlarge}")
RATE = "tune.space={train.learning_rate: {log_uniform: [1.0e-5, 1.0e-3]}}"
CHOICE = "tune.space={train.schedule: {choice: [linear, cosine]}}"


def refused(*overrides: str) -> str:
    with pytest.raises(ConfigError) as error:
        load_config(CONFIG, [*GOOD, *overrides])
    return str(error.value)


@pytest.mark.parametrize(
    ("overrides", "rule"),
    [
        ((RATE, "compute.tune=null"), "compute.tune: must name an instance_type with tune.engine: sagemaker"),
        ((RATE, "compute.tune.warm_pool_minutes=5"), "compute.tune.warm_pool_minutes: a tuning job keeps instances"),
        (
            (RATE, "compute.tune.inputs={study: 's3://abc/x'}"),
            "compute.tune.inputs: may be 19 at most and not be called",
        ),
        (
            ("tune.space={train.seed: {choice: [1, 2]}, train.epochs: {int: [1, 9], when: {train.seed: 1}}}",),
            "tune.space.train.epochs.when: SageMaker's tuning job has no conditions",
        ),
        (
            (RATE, "tune.sampler=grid"),
            "tune.space.train.learning_rate: a grid of SageMaker's tuning job needs a choice",
        ),
        ((CHOICE, "tune.sampler=grid", "tune.trials=1"), "tune.trials: must be at least 2, the points of the grid"),
        ((CHOICE, "tune.trials=3"), "tune.trials: the space has only 2 combinations"),
        ((RATE, "tune.early_stop=2"), "tune.early_stop: must be at least 3 with tune.engine: sagemaker, but got 2"),
        ((RATE, "tune.max_hours=0.01"), "tune.max_hours: must be from 0.033 to 4380 with tune.engine: sagemaker"),
        (
            (f"tune.space={{train.seed: {{choice: {list(range(31))}}}}}",),
            "SageMaker takes 30 values at most, but got 31",
        ),
    ],
)
def test_what_a_tuning_job_cannot_do_is_refused(overrides: tuple[str, ...], rule: str) -> None:
    assert rule in refused(*overrides)


def test_it_needs_a_stack_with_sagemaker() -> None:
    config = load_config(CONFIG, [*GOOD, RATE])
    check_engine(config, load_stack("rehearsal"))
    with pytest.raises(ConfigError, match=r"^tune\.engine: sagemaker needs a stack .* choose one with --stack"):
        check_engine(config, load_stack("local"))
    check_engine(load_config(CONFIG, ["tune.engine=sagemaker"]), load_stack("local"))  # steps.tune is false


SCALARS: Any = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(st.lists(SCALARS, min_size=1, unique_by=lambda value: (value, type(value))), st.data())
def test_each_choice_comes_back_as_it_was(choices: list[Any], data: st.DataObject) -> None:
    distribution = DistributionConfig.model_construct(choice=choices)
    value = data.draw(st.sampled_from(choices))
    found = from_texts({"train.x": distribution}, {"train.x": to_text(value), "_tuning_objective_metric": "objective"})
    assert (found["train.x"], type(found["train.x"])) == (value, type(value))


def test_numbers_are_of_the_kind_that_their_key_takes() -> None:
    space = TuneConfig.model_validate({"space": {"a": {"int": [1, 4]}, "b": {"uniform": [0, 4]}}}).space
    found = from_texts(space, {"a": "2", "b": "2"})
    assert found == {"a": 2, "b": 2.0} and isinstance(found["b"], float)


@pytest.mark.parametrize("text", ["5", "2.5", "two", ""])
def test_what_the_space_does_not_hold_is_an_error(text: str) -> None:
    with pytest.raises(TuneError, match="tune.space.a: the tuning job gave"):
        from_texts({"a": DistributionConfig(int=[1, 4])}, {"a": text})
