import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from finetune.errors import ServeError
from finetune.serving.archive import unpack
from finetune.serving.facts import read_package
from finetune.serving.package import Package
from finetune.serving.server import serve
from finetune.serving.start import main, other_code, server_command, server_environment
from tests.finetune.serving.serving import command, environment

PORT_OF_SAGEMAKER = "SAGEMAKER_BIND_TO_PORT"


def test_the_packages_code_comes_before_all_other_code(package: Package, tmp_path: Path) -> None:
    unpack(package.path, tmp_path)
    inside = server_environment(tmp_path, {"PYTHONPATH": "/app", "HOME": "/root"})
    assert inside["PYTHONPATH"] == f"{tmp_path}/code{os.pathsep}/app" and inside["HOME"] == "/root"
    code = "import finetune, experiments.tiny.words as words; print(finetune.__file__, words.__file__)"
    said = subprocess.run(
        [*server_command(tmp_path, "127.0.0.1", 1)[:2], "-c", code],
        env={**os.environ, **inside},
        capture_output=True,
        text=True,
    )
    assert said.stdout.split() == [
        f"{tmp_path}/code/finetune/__init__.py",
        f"{tmp_path}/code/experiments/tiny/words.py",
    ]


def test_a_package_of_the_code_that_is_here_is_served_without_a_word(package: Package, tmp_path: Path) -> None:
    unpack(package.path, tmp_path)
    assert other_code(tmp_path, read_package(tmp_path)) is None


def test_a_package_of_another_code_version_is_told_with_the_files_that_differ(package: Package, tmp_path: Path) -> None:
    unpack(package.path, tmp_path / "package")
    changed = tmp_path / "project" / "experiments" / "tiny"
    changed.mkdir(parents=True)
    inside = tmp_path / "package" / "code" / "experiments" / "tiny"
    (changed / "functions.py").write_text((inside / "functions.py").read_text())
    (changed / "words.py").write_text((inside / "words.py").read_text().replace("511", "509"))
    code = (
        "import sys; from pathlib import Path; from finetune.serving.start import *;"
        "folder = Path(sys.argv[1]); print(other_code(folder, read_package(folder)))"
    )
    path = os.pathsep.join([str(tmp_path / "project"), environment()["PYTHONPATH"]])
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "package")],
        env=environment(PYTHONPATH=path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert said.stdout == (
        "the package is of another version of the code than the one here (experiments/tiny/words.py); "
        "it is served with its own\n"
    ), said.stderr


@pytest.mark.parametrize("name", ["none.tar.gz", "torn.tar.gz", "folder"])
def test_what_is_no_package_is_refused_before_anything_is_loaded(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torn.tar.gz").write_bytes(b"torn")
    (tmp_path / "folder").mkdir()
    assert main([str(tmp_path / name)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and name in said and "Traceback" not in said


def test_a_port_that_is_taken_is_told_before_the_model_is_loaded(package: Package, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            command(package.path, "--port", str(port)),
            env=environment(TMPDIR=str(tmp_path)),
            capture_output=True,
            text=True,
        )
    assert ended.returncode == 1
    assert f"error: port {port} of 127.0.0.1 cannot be served on: " in ended.stderr and "--port" in ended.stderr
    assert list(tmp_path.iterdir()) == []  # nor is the unpacked package left


def test_a_limit_that_makes_no_sense_is_told_before_the_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINETUNE_REQUEST_MB", "many")
    with pytest.raises(ServeError, match="FINETUNE_REQUEST_MB: must be a whole number above 0, but got 'many'"):
        serve(tmp_path, "127.0.0.1", 0)
