"""Trackers against a real MLflow server: one run for a run number, whatever happens to step or server."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from datasets import DatasetDict
from mlflow.tracking import MlflowClient

from finetune.config.train import TrainConfig
from finetune.errors import RegistryError
from finetune.registry.facts import Facts
from finetune.registry.registry import Note
from finetune.registry.stages import Stage
from finetune.tracking.settings import Credentials
from finetune.tracking.trackers import opened
from finetune.training.spec import TrainingSpec
from finetune.training.train import train
from operators.registries.mlflow import MlflowRegistry
from tests.finetune.registry.test_move import FACTS
from tests.finetune.tracking.conftest import Server, Track, failing, hanging, refusing
from tests.finetune.training.conftest import LABELS, Bag, rows


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME"):
        monkeypatch.delenv(name, raising=False)
    yield


def runs_of(uri: str, experiment: str) -> list[Any]:
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    return [] if found is None else list(client.search_runs([found.experiment_id]))


def points(uri: str, run: Any, name: str) -> list[tuple[int, float]]:
    return [
        (each.step, each.value) for each in MlflowClient(tracking_uri=uri).get_metric_history(run.info.run_id, name)
    ]


def test_steps_and_a_resumed_step_log_into_one_run_and_no_point_twice(server: Server, track: Track) -> None:
    with pytest.raises(ValueError, match="torn"), opened(track(server.uri)) as trackers:
        for step in (1, 2, 3):
            trackers.metrics({"loss": 1 / step}, step)
        raise ValueError("torn")
    (run,) = runs_of(server.uri, "EXP-1-words")
    assert run.info.status == "FAILED"
    with opened(track(server.uri)) as trackers:  # it went back to the checkpoint of step 1
        for step in (2, 3, 4):
            trackers.metrics({"loss": 1 / step, "validation_macro_f1": 0.5}, step)
    with opened(track(server.uri, step="evaluate")) as trackers:
        trackers.metrics({"test_macro_f1": 0.75, "test_precision_a,b:c": 1.0})
        trackers.file("report.html", b"<p>report</p>")
        trackers.file("confusion.svg", b"<svg/>")
    (run,) = runs_of(server.uri, "EXP-1-words")
    assert (run.info.run_name, run.info.status) == ("7", "FINISHED")
    assert points(server.uri, run, "loss") == [(step, pytest.approx(1 / step)) for step in (1, 2, 3, 4)]
    assert run.data.params == {"train.epochs": "3", "production.labels.url": "${env:DB}"}
    assert run.data.metrics["test_macro_f1"] == 0.75
    assert run.data.metrics["test_precision_a_b_c"] == 1.0
    assert "system/cpu_utilization_percentage" in run.data.metrics
    files = MlflowClient(tracking_uri=server.uri).list_artifacts(run.info.run_id)
    assert sorted(file.path for file in files) == ["confusion.svg", "report.html"]


def test_a_run_of_the_same_number_of_another_home_is_another_run(server: Server, track: Track) -> None:
    for started in ("2026-11-20T10:00:00+00:00", "2026-11-21T10:00:00+00:00"):
        with opened(track(server.uri, experiment="EXP-2-homes", started=started)):
            pass
    assert [run.info.run_name for run in runs_of(server.uri, "EXP-2-homes")] == ["7", "7"]


def test_a_model_of_a_home_on_this_machine_is_registered_with_its_package_in_the_run_and_moves_as_aliases(
    server: Server, track: Track, tmp_path: Path
) -> None:
    told = track(server.uri, experiment="EXP-5-registered")
    with opened(told):
        pass
    (tmp_path / "model.tar.gz").write_bytes(b"abc")
    place = {"uri": str(tmp_path / "model.tar.gz"), "sha256": "a" * 64, "size": 3}
    known = {**FACTS, "experiment": "EXP-5-registered", "created": told.started, "package": place}
    registry, facts = MlflowRegistry(server.uri, Credentials()), Facts(run_number=7, **known)
    assert registry.register(facts) == registry.register(facts) == "models:/EXP-5-registered@run-7"
    client = MlflowClient(tracking_uri=server.uri)
    version = client.get_model_version_by_alias("EXP-5-registered", "run-7")
    (run,) = runs_of(server.uri, "EXP-5-registered")
    assert version.run_id == run.info.run_id and version.source == f"{run.info.artifact_uri}/registered"
    assert version.tags["metric.macro_f1"] == "0.9" and version.tags["dataset_hash"] == "2" * 64
    registry.move("EXP-5-registered", 7, Stage.STAGING, Note("staging", "now", "ana"))
    registry.move("EXP-5-registered", 7, Stage.PRODUCTION, Note("production", "now", "ana"))
    assert registry.stages("EXP-5-registered") == {7: Stage.PRODUCTION}
    assert client.get_registered_model("EXP-5-registered").aliases == {"run-7": "1", "production": "1"}
    registry.move("EXP-5-registered", 7, Stage.NONE, Note("none", "now", "ana"))
    assert registry.stages("EXP-5-registered") == {7: Stage.NONE} and registry.stages("EXP-6") == {}
    with pytest.raises(RegistryError, match="mlflow has version 7 of EXP-5-registered already, with another package"):
        registry.register(Facts(run_number=7, **{**known, "package": {**place, "sha256": "b" * 64}}))
    with pytest.raises(RegistryError, match="has no run 8 of EXP-5-registered to put the package into"):
        registry.register(Facts(run_number=8, **known))
    with refusing() as nobody, pytest.raises(RegistryError, match="listing the versions of EXP-1 in mlflow failed: "):
        MlflowRegistry(nobody, Credentials()).stages("EXP-1")


def test_several_models_have_their_names_before_their_metrics_and_a_failed_one_fails_the_run(
    server: Server, track: Track
) -> None:
    with (
        pytest.raises(ValueError),
        opened(track(server.uri, step="train_large", experiment="EXP-3-models")) as trackers,
    ):
        trackers.metrics({"loss": 2.0}, 1)
        raise ValueError
    with opened(track(server.uri, step="train_small", experiment="EXP-3-models")) as trackers:
        trackers.metrics({"loss": 1.0}, 1)
    (run,) = runs_of(server.uri, "EXP-3-models")
    assert {name: value for name, value in run.data.metrics.items() if "loss" in name} == {
        "large/loss": 2.0,
        "small/loss": 1.0,
    }
    assert run.info.status == "FAILED"


def test_a_step_that_is_stopped_leaves_a_killed_run(server: Server, track: Track) -> None:
    with pytest.raises(KeyboardInterrupt), opened(track(server.uri, experiment="EXP-4-stop")):
        raise KeyboardInterrupt
    assert [run.info.status for run in runs_of(server.uri, "EXP-4-stop")] == ["KILLED"]


def test_what_the_server_refuses_is_left_out_and_said_once_and_the_rest_is_logged(
    server: Server, track: Track, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(track(server.uri, experiment="EXP-5-refused")):
        pass
    changed = {"parameters": {"train.epochs": 4}}  # MLflow lets no parameter change
    with opened(track(server.uri, experiment="EXP-5-refused", **changed)) as trackers:
        trackers.metrics({"loss": 1.0}, 1)
    said = capfd.readouterr().err
    assert said.count("mlflow: ") == said.count("refuses") == 1, said


def test_a_server_that_is_killed_while_a_model_is_trained_and_comes_back_gets_every_point(
    server: Server, track: Track, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    validations = 0

    def compute_metrics(*_: Any) -> dict[str, float]:
        nonlocal validations
        validations += 1
        if validations == 2:
            wait_for(lambda: any(points(server.uri, run, "loss") for run in runs_of(server.uri, "EXP-6-killed")))
            server.kill()
        if validations == 4:
            wait_for((tmp_path / "scratch" / "mlflow.said").exists)
            server.start()
        if validations == 6:
            (run,) = runs_of(server.uri, "EXP-6-killed")
            wait_for(lambda: len(points(server.uri, run, "loss")) >= 20)
        return {"macro_f1": 0.5}

    trained = train(
        DatasetDict(train=rows(40, 1, "train"), validation=rows(8, 2, "validation")),
        TrainingSpec(
            labels=LABELS,
            functions="tiny",
            get_model=lambda model, labels: Bag(len(labels)),
            compute_metrics=compute_metrics,
            model={},
            settings=TrainConfig(epochs=6, batch_size=8, log_every=1, precision="fp32"),
            checkpoints=tmp_path / "checkpoints",
            target=tmp_path / "model",
        ),
        tracking=track(server.uri, experiment="EXP-6-killed"),
    )
    (run,) = runs_of(server.uri, "EXP-6-killed")
    curve = [(point["step"], pytest.approx(point["loss"])) for point in trained.history if "loss" in point]
    assert points(server.uri, run, "loss") == curve
    assert len(points(server.uri, run, "validation_loss")) == 6
    assert run.info.status == "FINISHED"
    said = capfd.readouterr().err
    assert said.count("mlflow: ") == 1, said


@pytest.mark.parametrize("broken", [refusing, hanging, failing])
def test_a_tracker_that_is_down_is_said_once_and_fails_no_step(
    broken: Any, track: Track, capfd: pytest.CaptureFixture[str]
) -> None:
    address: AbstractContextManager[str] = broken()
    began = time.monotonic()
    with address as uri:
        for step in ("train", "evaluate") if broken is refusing else ("train",):
            with opened(track(uri, step=step)) as trackers:
                trackers.metrics({"loss": 1.0}, 1)
    assert time.monotonic() - began < 60
    told = capfd.readouterr().err
    assert told.count("mlflow: ") == 1, told
    assert f"mlflow: {uri} does not answer (" in told
    assert "Traceback" not in told


def wait_for(condition: Any) -> None:
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_a_database_appears_whole_and_two_steps_that_begin_at_once_share_it_and_one_run(
    track: Track, tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path}/new/mlflow.db"
    with opened(track(uri, step="train_large")) as large, opened(track(uri, step="train_small")) as small:
        large.metrics({"loss": 2.0}, 1)
        small.metrics({"loss": 1.0}, 1)
    (run,) = runs_of(uri, "EXP-1-words")
    assert (run.data.metrics["large/loss"], run.data.metrics["small/loss"]) == (2.0, 1.0)
    assert [file.name for file in (tmp_path / "new").glob("mlflow.db*")] == ["mlflow.db"]
