"""`run.py serve`, on a home that is laid out as a run leaves it."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from cli.serve import _package
from finetune import runs
from finetune.errors import RegistryError, RunError, ServeError
from finetune.evaluation.predict import Predictor
from finetune.experiment import Home
from finetune.functions import load_functions
from finetune.registry.facts import Facts, write_facts
from finetune.runs import Run, Status
from finetune.serving.archive import unpack
from finetune.serving.facts import read_golden, read_package
from finetune.serving.of_run import package_of_run
from finetune.training.model_folder import ModelFacts, save
from tests.finetune.serving.serving import ROOT, environment, serving
from tests.on_path import on_path

PROJECT = ROOT / "tests" / "e2e" / "project"
LABELS = ["apple", "pear", "plum"]
CONFIG: dict[str, Any] = {
    "experiment": "EXP-1-tiny",
    "functions": "tiny",
    "production": {"labels": {"file": "labels.csv"}, "files": "files", "files_from_production": ["text.json"]},
    "reconcile": {"files_at_home": ["text.json", "label.json"]},
    "model": {"width": 4},
}


@pytest.fixture(scope="module", autouse=True)
def tiny_project() -> Iterator[None]:
    with on_path(PROJECT):
        yield


@pytest.fixture(scope="module")
def home(tiny_project: None, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An experiment whose run 1 was trained and evaluated, and whose run 2 failed before that."""
    folder = tmp_path_factory.mktemp("root")
    made = Home(str(folder), "EXP-1-tiny")
    first = runs.claim(made, stack="local", config=CONFIG, versions={})
    runs.claim(made, stack="local", config=CONFIG, versions={}).ended(Status.FAILED).write(made)
    torch.manual_seed(1)
    module = load_functions("tiny").get_model({"width": 4}, LABELS)
    save(folder / "model", module, ModelFacts("tiny", {"width": 4}, LABELS, ["input_ids"], {}))
    (folder / "predictions").mkdir()
    pq.write_table(pa.Table.from_pylist(_predicted(made, folder / "model")), folder / "predictions" / "table.parquet")
    places = {name: str(folder / name) for name in ("model", "predictions")}
    first.ended(Status.COMPLETED, artifacts=places).write(made)
    return made


def _predicted(home: Home, model: Path) -> list[dict[str, Any]]:
    rows = []
    for label in LABELS:
        folder = Path(str(home.reconciled), f"id-{label}")
        folder.mkdir(parents=True)
        (folder / "text.json").write_text(json.dumps({"text": f"one {label}"}))
        (folder / "label.json").write_text(json.dumps({"label": label}))
        answer = Predictor(model).predict([{"text.json": str(folder / "text.json")}])[0] or {}
        probabilities = {f"probability_{name}": value for name, value in answer.items()}
        rows.append(
            {"guid": folder.name, "label": label, "predicted": max(answer, key=answer.__getitem__)} | probabilities
        )
    return rows


def run(home: Home, number: int = 1) -> Run:
    return runs.read(home, number)


@pytest.fixture
def registered(home: Home) -> Iterator[Path]:
    """The package of run 1, registered."""
    place = Path(str(home.model(1)), "model.tar.gz")
    package = package_of_run(home, run(home), place)
    write_facts(home, _facts({"uri": str(place), "sha256": package.sha256, "size": package.size}))
    yield place
    shutil.rmtree(place.parent)


def test_a_registered_model_is_served_on_loopback_until_ctrl_c(home: Home, registered: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "run.py"), "serve", "EXP-1", "1", "--root", home.root, "--port", "0"]
    path = os.pathsep.join([str(PROJECT), str(ROOT)])
    with serving(command, ROOT, environment(PYTHONPATH=path, TMPDIR=str(tmp_path))) as server:
        assert server.client.base_url.host == "127.0.0.1"
        answer = server.post('{"text.json": {"text": "one pear"}}').json()["predictions"][0]
        row = next(row for row in pq.read_table(Path(home.root, "predictions")).to_pylist() if row["label"] == "pear")
        assert answer["probabilities"]["plum"] == pytest.approx(row["probability_plum"], abs=1e-6)
        server.process.send_signal(signal.SIGINT)
        assert server.wait() == 0
    assert list(tmp_path.iterdir()) == []  # what was unpacked is gone


def test_a_run_that_is_not_registered_is_packed_with_requests_of_its_test_split(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unpack(_package(home, 1, tmp_path / "model.tar.gz"), tmp_path / "package")
    assert "run 1 of EXP-1-tiny is not registered: packing its model" in capsys.readouterr().err
    assert read_package(tmp_path / "package").files == ["text.json"]
    assert [json.loads(each["instance"]["text.json"])["text"] for each in read_golden(tmp_path / "package")] == [
        "one apple",
        "one pear",
        "one plum",
    ]


def test_a_registered_package_that_is_gone_is_told(home: Home, registered: Path, tmp_path: Path) -> None:
    assert _package(home, 1, tmp_path / "scratch") == registered
    registered.unlink()
    with pytest.raises(RegistryError, match=r"version 1 of EXP-1-tiny: .*model.tar.gz is gone"):
        _package(home, 1, tmp_path / "scratch")


def _facts(package: dict[str, Any]) -> Facts:
    return Facts(
        experiment="EXP-1-tiny",
        run_number=1,
        model=None,
        functions="tiny",
        labels=LABELS,
        created="2026-01-01T00:00:00+00:00",
        stack="local",
        git_commit=None,
        manifest_hash="",
        dataset_hash="",
        image=None,
        metrics={},
        baselines={},
        gate={},
        artifacts={},
        zenml_artifacts=[],
        zenml_run="",
        package=package,
        statistics="",
    )


def test_a_run_without_a_model_or_with_several_or_that_is_not_there_is_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="run 2 of EXP-1-tiny is failed and has no model"):
        _package(home, 2, tmp_path / "scratch")
    with pytest.raises(ServeError, match="run 1 of EXP-1-tiny has several models, and none is registered"):
        package_of_run(home, replace(run(home), models={"small": {}, "large": {}}), tmp_path / "scratch")
    with pytest.raises(RunError, match="run 7 of EXP-1-tiny does not exist"):
        _package(home, 7, tmp_path / "scratch")
