"""The README shows the whole tree, and its commands are those that CI and users run."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROOMS = ("cli", "experiments", "pipelines", "steps", "stacks", "operators", "materializers", "finetune", "benchmarks")


def test_every_source_file_has_a_line_in_the_tree() -> None:
    listed = subprocess.run(["git", "ls-files", *ROOMS], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [Path(name) for name in listed.stdout.split() if name.endswith((".py", ".yaml", ".j2"))]
    lines = {line.split()[0] for line in README.splitlines() if line.startswith("    ") and line.split()}
    missing = [str(path) for path in files if path.name not in lines and path.name != "__init__.py"]
    assert files
    assert not missing


def test_ci_runs_the_readmes_test_command() -> None:
    assert "pip install -r requirements-dev.txt && pytest" in README
    assert "requirements-dev.txt && pytest" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_link_to_a_file_leads_somewhere() -> None:
    targets = [part.split(")")[0].split("#")[0] for part in README.split("](")[1:]]
    assert targets
    assert not [target for target in targets if not target.startswith("http") and not (ROOT / target).exists()]
