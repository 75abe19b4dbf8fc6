"""Stack files, registered with a ZenML of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


APPLY = """
from finetune.errors import ConfigError
from stacks.apply import apply
from stacks.files import stack_names
first = apply("local")
print(first == apply("local"), "local" in stack_names())
try:
    apply("nowhere")
except ConfigError as error:
    print(error)
"""


def test_a_stack_is_registered_once_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ask.py").write_text(APPLY, encoding="utf-8")
    environment = {
        **os.environ,
        "ZENML_CONFIG_PATH": str(tmp_path / "zenml"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "PYTHONPATH": str(REPOSITORY),
    }
    asked = subprocess.run(
        [sys.executable, "ask.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr
    registered, refused = asked.stdout.splitlines()[-2:]
    assert registered == "True True"
    assert refused == "--stack nowhere: there is no file nowhere.yaml in stacks/; known: local, rehearsal, sagemaker"
