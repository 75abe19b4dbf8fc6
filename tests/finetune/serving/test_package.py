import hashlib
import json
import os
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from finetune.errors import EvaluateError, ReconcileError, ServeError
from finetune.serving.archive import pack, unpack
from finetune.serving.facts import read_package
from finetune.serving.package import Package, write_package
from tests.finetune.serving.conftest import LABELS
from tests.on_path import on_path


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as file:
        return file.getnames()


def write(model: Path, requests: Any, target: Path, **changes: Any) -> Package:
    return write_package(model, **{"functions": "tiny", "labels": LABELS, "golden": requests, **changes}, target=target)


def test_a_package_holds_the_model_at_its_root_and_all_code_that_it_reaches(package: Package) -> None:
    found = set(names(package.path))
    assert {"model.safetensors", "finetune.json", "code/inference.py", "code/golden.json"} <= found
    assert {"code/experiments/tiny/functions.py", "code/experiments/tiny/words.py"} <= found
    assert {"code/finetune/__init__.py", "code/finetune/training/model_folder.py"} <= found
    assert not {"code/experiments/tiny/aside.py", "code/finetune/config/experiment.py"} & found
    assert package.size == package.path.stat().st_size
    assert package.sha256 == hashlib.sha256(package.path.read_bytes()).hexdigest()


def test_a_package_says_what_it_is_and_what_a_container_must_install(package: Package, tmp_path: Path) -> None:
    unpack(package.path, tmp_path)
    facts = read_package(tmp_path)
    assert (facts.functions, facts.labels, facts.files) == ("tiny", LABELS, ["text.json"])
    assert {"torch", "datasets", "transformers"} <= facts.versions.keys()
    wanted = (tmp_path / "code" / "requirements.txt").read_text().split()
    assert "datasets" in wanted and "torch" not in wanted


def test_equal_models_give_equal_bytes_whenever_and_wherever_they_are_packed(
    model: Path, golden: list[Any], package: Package, tmp_path: Path
) -> None:
    for path in model.iterdir():
        os.utime(path, (time.time() + 9, time.time() + 9))
    again = write(model, golden, tmp_path / "another.tar.gz")
    assert again.sha256 == package.sha256
    changed = write(model, [{**golden[0], "instance": {"text.json": {"text": "x"}}}], tmp_path / "third.tar.gz")
    assert changed.sha256 != package.sha256


def test_files_beside_the_functions_travel_with_them(model: Path, golden: list[Any], tmp_path: Path) -> None:
    folder = tmp_path / "project" / "experiments" / "worded"
    (folder / "lists").mkdir(parents=True)
    (folder / "functions.py").write_text("from experiments.tiny.functions import *\n")
    (folder / "lists" / "stop.txt").write_text("a")
    (folder / ".cache").write_text("b")
    facts = json.loads((model / "finetune.json").read_text())
    copy = tmp_path / "model"
    copy.mkdir()
    (copy / "finetune.json").write_text(json.dumps({**facts, "functions": "worded"}))
    (copy / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    with on_path(tmp_path / "project"):
        found = names(write(copy, golden, tmp_path / "model.tar.gz", functions="worded").path)
    inside = [name for name in found if name.startswith("code/experiments/")]
    assert inside == [
        f"code/experiments/{name}"
        for name in ("tiny/functions.py", "tiny/words.py", "worded/functions.py", "worded/lists/stop.txt")
    ]


def test_the_checkpoint_travels_too_without_other_formats_of_its_weights(
    model: Path, golden: list[Any], tmp_path: Path
) -> None:
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()
    for name in ("config.json", "vocab.txt", "pytorch_model.bin", ".gitattributes"):
        (checkpoint / name).write_text("{}")
    copy = tmp_path / "model"
    copy.mkdir()
    facts = json.loads((model / "finetune.json").read_text())
    facts["model"]["checkpoint"] = str(checkpoint)
    (copy / "finetune.json").write_text(json.dumps(facts))
    found = names(write(copy, golden, tmp_path / "model.tar.gz").path)
    assert [name for name in found if "/checkpoint/" in name] == [
        "code/checkpoint/config.json",
        "code/checkpoint/vocab.txt",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"functions": "tin"}, "functions: must be those that .* was trained with, 'tiny', but got 'tin'"),
        ({"labels": ["pear", "apple", "plum"]}, "labels: must be those that .* was trained with"),
        ({"golden": []}, "needs at least one golden request"),
        ({"golden": [{"instance": {}, "probabilities": {}}]}, "golden request 0: instance must hold files by name"),
        (
            {"golden": [{"instance": {"a": "b"}, "probabilities": {"apple": 1.0, "pear": 0.0, "fig": 0.0}}]},
            r"must have a probability of each label \(apple, pear, plum\), and of no other, but got .*fig",
        ),
    ],
)
def test_what_does_not_belong_to_the_model_is_refused_and_nothing_is_written(
    model: Path, golden: list[Any], tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ServeError, match=message):
        write(model, golden, tmp_path / "model.tar.gz", **changes)
    assert list(tmp_path.iterdir()) == []


def test_a_model_folder_that_is_gone_is_told(golden: list[Any], tmp_path: Path) -> None:
    with pytest.raises(EvaluateError, match="is gone or incomplete"):
        write(tmp_path / "none", golden, tmp_path / "model.tar.gz")


def test_a_folder_of_something_else_or_of_another_format_is_no_package(package: Package, tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="is no model package of this project: cannot read code/package.json"):
        read_package(tmp_path)
    unpack(package.path, tmp_path)
    path = tmp_path / "code" / "package.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    with pytest.raises(ServeError, match="format must be 1, but got 2: another version of the project packed it"):
        read_package(tmp_path)


def test_a_torn_archive_and_one_that_reaches_outside_are_refused(package: Package, tmp_path: Path) -> None:
    torn = tmp_path / "torn.tar.gz"
    torn.write_bytes(package.path.read_bytes()[:9000])
    with pytest.raises(ServeError, match="torn.tar.gz cannot be unpacked"):
        unpack(torn, tmp_path / "a")
    pack(tmp_path / "bad.tar.gz", {"../outside.txt": b"x"})
    with pytest.raises(ServeError, match="cannot be unpacked: .*lies outside the folder"):
        unpack(tmp_path / "bad.tar.gz", tmp_path / "b")
    assert not (tmp_path / "outside.txt").exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReconcileError, match="write .*model.tar.gz"):
        pack(tmp_path / "file" / "model.tar.gz", {"a": b"b"})
