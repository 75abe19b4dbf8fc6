"""What of a tune section is refused at load, and in which words."""

import subprocess
import sys
from pathlib import Path

import pytest

from finetune.config.load import load_config
from finetune.errors import ConfigError

CONFIG = Path(__file__).parents[3] / "configs" / "EXP-3333.yaml"


def refused(*overrides: str) -> str:
    with pytest.raises(ConfigError) as error:
        load_config(CONFIG, overrides)
    return str(error.value)


@pytest.mark.parametrize(
    ("space", "rule"),
    [
        (
            "train.lerning_rate: {uniform: [0.1, 1]}",
            "train.lerning_rate: unknown parameter; did you mean train.learning_rate?",
        ),
        ("learning_rate: {uniform: [0.1, 1]}", "learning_rate: unknown parameter; did you mean train.learning_rate?"),
        ("prepare.split: {uniform: [0.1, 1]}", "prepare.split: unknown parameter; known keys are train.epochs, "),
        (
            "model.tial: {int: [1, 2]}",
            "model.tial: must stand in model:, too, with the value that it has by default; did you mean model.tail?",
        ),
        ("train.best_metric: {choice: [loss]}", "train.best_metric: cannot be searched: it picks the checkpoint"),
        ("train.seed: {}", "must have exactly one of uniform, log_uniform, int, choice, but has none"),
        ("train.seed: {int: [1, 2], choice: [3]}", "but has int and choice"),
        ("train.seed: {int: [2, 2]}", "int: must be [low, high] with low below high, but got [2, 2]"),
        ("train.warmup: {log_uniform: [0, 0.1]}", "log_uniform: both must be above 0, but got [0, 0.1]"),
        ("train.warmup: {uniform: [0, 1]}", "1.0 cannot stand in train.warmup: input should be less than 1"),
        (
            "train.batch_size: {uniform: [8, 16]}",
            "8.0 cannot stand in train.batch_size: input should be a valid integer",
        ),
        ("train.schedule: {choice: [linear, square]}", "'square' cannot stand in train.schedule"),
        ("train.seed: {choice: [1, 1]}", "choice: each value must stand once, but got 1 twice"),
        ("train.seed: {int: [1, 2], when: {train.schedul: cosine}}", "when: train.schedul must be a key of tune.space"),
        (
            "train.seed: {int: [1, 2], when: {train.warmup: 0}}, train.warmup: {uniform: [0, 0.1]}",
            "when: train.warmup must have a choice or int",
        ),
        (
            "train.seed: {int: [1, 2], when: {train.epochs: 3}}, train.epochs: {choice: [1, 2]}",
            "when: train.epochs is never 3",
        ),
        ("train.seed: {int: [1, 2], when: {train.seed: 1}}", "when: must not lead back to the key itself"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(space: str, rule: str) -> None:
    said = refused(f"tune.space={{{space}}}")
    assert rule in said
    assert "tune.space." in said


def test_a_grid_must_be_finite_and_small_enough() -> None:
    assert "grid needs a choice or int for each key, but train.warmup has no end of values" in refused(
        "tune.space={train.warmup: {uniform: [0, 0.1]}}", "tune.sampler=grid"
    )
    said = refused("tune.space={train.seed: {int: [1, 3]}}", "tune.sampler=grid", "tune.trials=2")
    assert "tune.trials: must be at least 4, the points of the grid and the config as it stands, but got 2" in said
    assert load_config(CONFIG, ["tune.space={train.seed: {int: [6, 8]}}", "tune.sampler=grid", "tune.trials=3"])


def test_a_study_needs_something_to_search_and_a_price_to_keep_to_a_cost() -> None:
    assert "tune.space: must name at least one parameter when steps.tune is true" in refused("steps.tune=true")
    assert "max_cost_usd needs usd_per_hour" in refused("tune.max_cost_usd=5")
    assert "compute.tune.instance_count: must be 1" in refused(
        "compute.tune={instance_type: ml.g5.xlarge, instance_count: 2}"
    )
    assert "nothing would be left to do" in refused("steps.train=false")


def test_a_config_with_a_study_is_read_without_optuna() -> None:
    code = (
        "import sys; from finetune.config.load import load_config; "
        f"load_config({str(CONFIG)!r}, ['tune.space={{train.seed: {{int: [1, 2]}}}}', 'steps.tune=true']); "
        "print([name for name in ('optuna', 'torch', 'zenml') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CONFIG.parents[1]
    )
    assert done.stdout.strip() == "[]"
