"""Every shipped config loads, and names the experiment and functions that it is expected to."""

from pathlib import Path

import pytest

from finetune.config.experiment import ExperimentConfig
from finetune.config.load import load_config
from finetune.functions import NEEDED, check_functions

FOLDER = Path(__file__).resolve().parents[1] / "configs"
EXPECTED = {
    "EXP-3333.yaml": ("EXP-3333-license-mentions", "license_mentions"),
    "EXP-3334.yaml": ("EXP-3334-license-mentions-all", "license_mentions"),
    "EXP-3336.yaml": ("EXP-3336-license-mentions-tuned", "license_mentions"),
    "EXP-3335.yaml": ("EXP-3335-license-category", "license_category"),
    "EXP-3337.yaml": ("EXP-3337-license-mentions-models", "license_mentions"),
    "EXP-3338.yaml": ("EXP-3338-license-mentions-registered", "license_mentions"),
    "EXP-4001.yaml": ("EXP-4001-waveforms", "waveforms"),
    "EXP-4002.yaml": ("EXP-4002-rhythms", "rhythms"),
}


def test_each_config_is_expected() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} == EXPECTED.keys()


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items(), ids=EXPECTED.keys())
def test_a_shipped_config_loads(name: str, expected: tuple[str, str]) -> None:
    config = load_config(FOLDER / name)
    assert type(config) is ExperimentConfig
    assert (config.experiment, config.functions) == expected
    assert config.experiment.startswith(Path(name).stem)
    check_functions(config.functions, NEEDED[config.pipeline])
