from collections.abc import Callable

import pytest

from finetune.config.experiment import ExperimentConfig
from finetune.config.load import load_config, resolved
from finetune.config.model import ModelConfig
from finetune.errors import ConfigError

Write = Callable[..., str]
TWO = """\
train: {epochs: 2, batch_size: 8}
models:
  small: {width: 8}
  bag:
    ngrams: 2
    train: {learning_rate: 0.01, batch_size: 4}
"""


def problem(path: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return str(caught.value)


def test_each_model_has_its_section_and_its_own_training(write: Write) -> None:
    models = load_config(write(TWO)).all_models
    assert {name: model.model_dump(exclude_none=True) for name, (model, _) in models.items()} == {
        "small": {"width": 8},
        "bag": {"ngrams": 2},
    }
    assert [(train.epochs, train.batch_size) for _, train in models.values()] == [(2, 8), (2, 4)]
    assert [train.learning_rate for _, train in models.values()] == [5e-5, 0.01]


def test_the_resolved_config_reads_as_the_same_one(write: Write) -> None:
    config = load_config(write(TWO))
    again = ExperimentConfig.model_validate(resolved(config))
    assert again.all_models == config.all_models
    assert resolved(again) == resolved(config)


@pytest.mark.parametrize("given", ["", "model: {width: 8}\n", "models: {small: {width: 8}}\n"])
def test_one_model_may_be_given_either_way_or_not_at_all(write: Write, given: str) -> None:
    ((model, train),) = load_config(write(given)).all_models.values()
    assert model == (ModelConfig.model_validate({"width": 8}) if given else ModelConfig())
    assert train.epochs == 3


def test_model_and_models_exclude_each_other(write: Write) -> None:
    assert "model and models must not both be given" in problem(write(f"{TWO}model: {{width: 8}}\n"))
    assert len(load_config(write(f"{TWO}model: null\n")).all_models) == 2


def test_errors_in_a_model_name_its_key_and_line(write: Write) -> None:
    assert problem(write(TWO.replace("batch_size: 4", "batch_size: 0, epoch: 3"))).splitlines() == [
        "x.yaml:12: models.bag.train.batch_size: must be greater than or equal to 1, but got 0",
        "x.yaml:12: models.bag.train.epoch: unknown key; did you mean epochs?",
    ]
    assert problem(write(TWO.replace("ngrams: 2", "chekpoint: x"))).startswith(
        "x.yaml:10: models.bag: chekpoint looks like checkpoint"
    )
    assert "--set models.small.train.epochs=x: models.small.train.epochs: must be a valid number" in problem(
        write(TWO), "models.small.train.epochs=x"
    )


@pytest.mark.parametrize("name", ["Small", "2nd", "a-b", "a" * 33, '""'])
def test_a_models_name_is_one_that_steps_can_have(write: Write, name: str) -> None:
    assert problem(write(f"models:\n  {name}: {{width: 8}}\n")).startswith("x.yaml:8: models")


def test_there_must_be_a_model(write: Write) -> None:
    assert "models: must have at least 1 item" in problem(write("models: {}\n"))


def test_a_models_training_must_fit_the_machines_of_train(write: Write) -> None:
    text = f"{TWO}compute:\n  train: {{instance_type: ml.g5.xlarge, instance_count: 8}}\n"
    found = problem(write(text))
    assert "models.bag.train: " in found and "models.small" not in found
