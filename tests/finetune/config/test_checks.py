from pathlib import Path

import pytest

from finetune.config.experiment import ExperimentConfig
from finetune.config.load import load_config
from finetune.errors import ConfigError

CONFIG = """
experiment: EXP-1-words
functions: words
production:
  labels: {file: labels.csv}
  files: files
  files_from_production: [text.txt]
"""


def loaded(folder: Path, more: str) -> ExperimentConfig:
    (folder / "config.yaml").write_text(CONFIG + more, encoding="utf-8")
    return load_config(folder / "config.yaml", [])


def test_without_a_section_every_check_only_warns(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").checks.severities == {"warn"}


def test_every_check_can_be_ignored(tmp_path: Path) -> None:
    names = ("labels", "drift", "texts", "near_duplicates", "leakage")
    section = "checks:\n" + "".join(f"  {name}: {{severity: ignore}}\n" for name in names)
    assert loaded(tmp_path, section).checks.severities == {"ignore"}


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("checks: {duplicates: {severity: warn}}", "checks.duplicates"),
        ("checks: {drift: {severity: error}}", "checks.drift.severity"),
        ("checks: {labels: {columns: {label: {type: string}}}}", "checks.labels.columns.label.type"),
        ("checks: {texts: {share: 1.5}}", "checks.texts.share"),
        ("checks: {near_duplicates: {severity: fail}}", "evaluate.baseline_text"),
    ],
)
def test_what_cannot_be_checked_is_refused(tmp_path: Path, section: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, section)
    assert told in str(error.value)
