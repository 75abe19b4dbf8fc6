"""The READMEs show the whole tree, and the first one's commands are those that CI and users run."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROOMS = ("cli", "experiments", "pipelines", "steps", "stacks", "operators", "materializers", "finetune", "benchmarks")
LINE = re.compile(r"^    ((?:  )*)(\S+)", re.MULTILINE)


@pytest.mark.parametrize(("page", "rooms"), [("", ROOMS), ("rehearsal", ["rehearsal"]), ("docker", ["docker"])])
def test_every_source_file_has_its_line_in_a_tree_and_every_line_its_file(page: str, rooms: list[str]) -> None:
    text = (ROOT / page / "README.md").read_text(encoding="utf-8")
    listed = subprocess.run(["git", "ls-files", *rooms], cwd=ROOT, capture_output=True, text=True, check=True)
    files = {name for name in listed.stdout.split() if name.endswith((".py", ".yaml", ".j2", "Dockerfile"))}
    shown = {str(Path(page, path)) for path in _paths(text.partition("\n## The tree\n")[2])}
    assert files
    assert [path for path in sorted(files - shown) if not path.endswith("__init__.py")] == []
    assert [path for path in sorted(shown) if not (ROOT / path).exists()] == []


def _paths(tree: str) -> Iterator[str]:
    """The path of each line of a tree: a folder's name ends in /, and what it holds is indented below it."""
    above: list[str] = []
    for indent, name in LINE.findall(tree):
        above[len(indent) // 2 :] = [name]
        yield "".join(above)


def test_the_readme_leads_to_the_trees_of_other_rooms() -> None:
    for room in ("rehearsal", "docker"):
        assert re.search(rf"^    {room}/ .*{room}/README.md", README, re.MULTILINE)


def test_ci_runs_the_readmes_test_command() -> None:
    assert "pip install -r requirements-dev.txt && pytest" in README
    assert "requirements-dev.txt && pytest" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_link_to_a_file_leads_somewhere() -> None:
    targets = [part.split(")")[0].split("#")[0] for part in README.split("](")[1:]]
    assert targets
    assert not [target for target in targets if not target.startswith("http") and not (ROOT / target).exists()]
