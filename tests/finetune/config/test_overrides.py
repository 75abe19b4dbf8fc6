from collections.abc import Callable

import pytest

from finetune.config.load import load_config
from finetune.errors import ConfigError

Write = Callable[..., str]


def test_overrides_are_read_as_yaml_and_the_last_one_wins(write: Write) -> None:
    overrides = ["train.epochs=9", "prepare.ignored_labels=[a, b]", "model.text=a=b", "train.epochs=1e1"]
    config = load_config(write("train: {epochs: 1, seed: 7}\n"), overrides)
    assert (config.train.epochs, config.train.seed, config.prepare.ignored_labels) == (10, 7, ["a", "b"])
    assert config.model.model_extra == {"text": "a=b"}


def test_an_empty_value_is_null(write: Write) -> None:
    assert load_config(write("prepare: {processes: 2}\n"), ["prepare.processes="]).prepare.processes is None


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("train.epoch=3", "--set train.epoch=3: train.epoch: unknown key; did you mean epochs?"),
        ("train.epochs=x", "--set train.epochs=x: train.epochs: must be a valid number, but got 'x'"),
        ("train.epochs", "--set train.epochs: must be KEY=VALUE, for example train.epochs=3"),
        ("=3", "--set : must be KEY=VALUE, for example train.epochs=3"),
        ("train..epochs=3", "--set train..epochs: must be KEY=VALUE, for example train.epochs=3"),
    ],
)
def test_a_wrong_override_is_named(write: Write, override: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(), [override])
    assert str(caught.value) == expected


def test_a_value_that_is_not_yaml_is_named(write: Write) -> None:
    with pytest.raises(ConfigError, match=r"--set train.padding=\{a: : train.padding: not YAML"):
        load_config(write(), ["train.padding={a: "])


def test_problems_of_overrides_and_file_are_listed_together(write: Write) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write("train: {seed: x}\n"), ["nonsense", "train.epochs=y"])
    assert len(str(caught.value).split("\n")) == 3
