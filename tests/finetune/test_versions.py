import subprocess
from pathlib import Path

import pytest

from finetune.versions import versions


def git(*arguments: str) -> str:
    known = ("-c", "user.name=a", "-c", "user.email=a@b")
    return subprocess.run(["git", *known, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_of_the_working_folder_is_named_and_whether_files_differ_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "commit" not in versions()
    git("init", "--quiet")
    Path("functions.py").write_text("a")
    git("add", ".")
    git("commit", "--quiet", "-m", "a")
    commit = git("rev-parse", "HEAD")
    assert versions()["commit"] == commit
    Path("functions.py").write_text("b")
    assert versions()["commit"] == f"{commit}-dirty"


def test_functions_that_no_commit_has_differ_from_it_and_other_files_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "-m", "a")
    commit = git("rev-parse", "HEAD")
    Path("notes.py").write_text("a")
    assert versions()["commit"] == commit
    own = tmp_path / "experiments" / "own"
    own.mkdir(parents=True)
    (own / "functions.py").write_text("a")
    assert versions()["commit"] == f"{commit}-dirty"
    monkeypatch.chdir(own)
    assert versions()["commit"] == f"{commit}-dirty"
