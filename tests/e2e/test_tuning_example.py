"""EXP-3336, with few ids and short trials: real texts, and MiniLM."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.workbench import REPOSITORY, clean_environment

QUERY = """\
SELECT guid, label, license_expression, file_hash
FROM (SELECT *, row_number() OVER (PARTITION BY label ORDER BY file_hash) AS place FROM rules) WHERE place <= 30"""
CONFIG = f"""
extends: {REPOSITORY}/configs/EXP-3336.yaml
production: {{labels: {{query: "{QUERY}"}}}}
prepare: {{dataset_name: few, max_per_label: 26, split: {{validation: 0.25, test: 0.15}}}}
model: {{max_length: 24, tail: 8}}
train: {{epochs: 1, batch_size: 8}}
tune: {{trials: 8, parallel: 2}}
"""


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory, zenml: Path) -> dict[str, Any]:
    """run.json of one run; production is built where the working folder is."""
    folder = tmp_path_factory.mktemp("example")
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    command = [sys.executable, str(REPOSITORY / "run.py"), "--config", "config.yaml"]
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(zenml), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout + done.stderr)
    home = folder / "outputs" / "EXP-3336-license-mentions-tuned"
    found: dict[str, Any] = json.loads((home / "runs" / "1" / "run.json").read_text(encoding="utf-8"))
    return found


def test_the_best_trial_is_at_least_as_good_as_the_default_parameters(record: dict[str, Any]) -> None:
    tuning = record["tuning"]
    assert tuning["objective"] == "macro_f1"
    assert tuning["default"] is not None
    assert tuning["value"] >= tuning["default"]
    assert tuning["completed"] + tuning["pruned"] == 8 and tuning["failed"] == 0


def test_the_run_ends_with_a_model_that_was_trained_with_the_best_parameters(record: dict[str, Any]) -> None:
    facts = [json.loads(path.read_text(encoding="utf-8")) for path in Path(record["artifacts"]["best"]).rglob("*.json")]
    assert record["tuning"]["best"] in facts
    assert {"macro_f1", "accuracy"} <= record["metrics"].keys()
