import os
import subprocess
from pathlib import Path

import pytest
from images.archive import archive
from images.context import context
from images.recipe import Recipe, recipes

ROOT = Path(__file__).resolve().parents[2]
BASE = [Recipe("docker/base.Dockerfile", "base-1", {})]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with a program and a link in it."""
    for path in ("docker/base.Dockerfile", "steps/a.py", "steps/run.sh", "README.md"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    (tmp_path / ".dockerignore").write_text("*\n!steps\n")
    (tmp_path / "steps" / "run.sh").chmod(0o700)
    (tmp_path / "steps" / "link.py").symlink_to("a.py")
    return tmp_path


def unpacked(content: bytes, folder: Path) -> Path:
    folder.mkdir()
    (folder.parent / "a.zip").write_bytes(content)
    subprocess.run(["unzip", "-q", str(folder.parent / "a.zip"), "-d", str(folder)], check=True)
    return folder


def test_what_is_unpacked_makes_the_very_images_that_this_folder_makes(tmp_path: Path) -> None:
    chosen = recipes(ROOT, "license_mentions", [])
    there = unpacked(archive(ROOT, chosen), tmp_path / "there")
    assert context(there) == context(ROOT)
    assert recipes(there, "license_mentions", []) == chosen


def test_the_archive_holds_the_context_its_rules_and_the_dockerfile_and_nothing_else(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    there = unpacked(archive(project, BASE), tmp_path_factory.mktemp("a") / "there")
    found = sorted(path.relative_to(there).as_posix() for path in there.rglob("*") if not path.is_dir())
    assert found == [".dockerignore", "docker/base.Dockerfile", "steps/a.py", "steps/link.py", "steps/run.sh"]
    assert os.readlink(there / "steps/link.py") == "a.py"
    assert os.access(there / "steps/run.sh", os.X_OK) and not os.access(there / "steps/a.py", os.X_OK)


def test_equal_files_give_equal_bytes_whatever_their_times_and_other_bits(project: Path) -> None:
    before = archive(project, BASE)
    os.utime(project / "steps" / "a.py", (1, 1))
    (project / "steps" / "a.py").chmod(0o600)
    (project / "README.md").write_text("new")
    assert archive(project, BASE) == before
    (project / "steps" / "a.py").write_text("new")
    assert archive(project, BASE) != before
