"""Runs with trackers, as a user starts them: what reaches MLflow and wandb, what does not, and what is said."""

from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from tests.e2e.workbench import Ended, Workbench
from tests.finetune.tracking.conftest import refusing

CONFIGURED = ("--set", "tracking.wandb.mode=offline", "--set")


@pytest.fixture(scope="module")
def uri(shared: Workbench) -> str:
    return f"sqlite:///{shared.folder}/track/mlflow.db"


@pytest.fixture(scope="module")
def plain(shared: Workbench) -> Ended:
    """Run 1, without trackers."""
    return shared.warm_run()


@pytest.fixture(scope="module")
def cached(shared: Workbench, plain: Ended, uri: str) -> tuple[Ended, bool]:
    """Run 2, the same with trackers; and whether MLflow's database was there afterwards."""
    return shared.warm_run(*CONFIGURED, f"tracking.mlflow.uri={uri}"), Path(uri.removeprefix("sqlite:///")).exists()


@pytest.fixture(scope="module")
def tracked(shared: Workbench, cached: Any, uri: str) -> Ended:
    """Run 3, with trackers and another seed."""
    return shared.warm_run(*CONFIGURED, f"tracking.mlflow.uri={uri}", "--set", "train.seed=43")


def test_to_turn_trackers_on_runs_nothing_again_and_a_cached_step_logs_nothing(
    shared: Workbench, cached: tuple[Ended, bool]
) -> None:
    ended, there = cached
    assert ended.code == 0, ended.said
    assert [step for step, seconds in shared.record(2)["seconds"].items() if seconds] == ["snapshot"]
    assert not there
    assert not (shared.home / "runs" / "2" / "wandb").exists()


def test_mlflow_has_the_run_with_its_curve_its_results_and_its_config(
    shared: Workbench, tracked: Ended, uri: str
) -> None:
    assert tracked.code == 0, tracked.said
    client, record = MlflowClient(tracking_uri=uri), shared.record(3)
    (run,) = client.search_runs([client.get_experiment_by_name(shared.experiment).experiment_id])
    assert (run.info.run_name, run.info.status) == ("3", "FINISHED")
    assert run.data.tags["finetune.run"] == f"{shared.experiment}/3"
    assert [point.step for point in client.get_metric_history(run.info.run_id, "loss")] == list(range(1, 10))
    assert [point.step for point in client.get_metric_history(run.info.run_id, "validation_macro_f1")] == [3, 6, 9]
    for name, value in record["metrics"].items():
        assert run.data.metrics[f"test_{name}"] == pytest.approx(value)
    assert run.data.metrics["majority_macro_f1"] == pytest.approx(record["baselines"]["majority"]["macro_f1"])
    assert run.data.metrics["system/cpu_utilization_percentage"] >= 0
    assert run.data.params["train.seed"] == "43"
    assert sorted(file.path for file in client.list_artifacts(run.info.run_id)) == ["confusion.svg", "report.html"]
    page = Path(client.download_artifacts(run.info.run_id, "report.html"))
    assert run.info.artifact_uri.startswith(f"file://{shared.folder}/track/mlartifacts/"), "beside the database"
    assert page.read_bytes() == (shared.home / "runs" / "3" / "report.html").read_bytes()


def test_wandb_has_a_run_for_each_step_below_the_runs_folder(shared: Workbench, tracked: Ended) -> None:
    found = (shared.home / "runs" / "3" / "wandb").glob("offline-run-*")
    ids = sorted(path.name.split("-", 3)[3].rpartition("-")[0] for path in found)
    assert ids == [f"{shared.experiment}-3-evaluate", f"{shared.experiment}-3-train"]
    assert not list(shared.working_directory().iterdir())


def test_nothing_is_said_of_trackers_that_work(tracked: Ended) -> None:
    assert "wandb" not in tracked.said
    assert "mlflow" not in tracked.said.replace("/mlflow.db", "")


def test_a_tracker_that_is_down_is_said_once_and_fails_no_run(shared: Workbench, tracked: Ended) -> None:
    with refusing() as address:
        ended = shared.warm_run("--set", f"tracking.mlflow.uri={address}", "--set", "train.seed=44")
    assert ended.code == 0, ended.said
    assert ended.said.count("mlflow: ") == 1, ended.said
    assert "does not answer ([Errno 111] Connection refused); the run goes on" in ended.said
    assert shared.record(4)["status"] == "completed"


def test_a_database_that_cannot_be_one_is_refused_before_anything_runs(shared: Workbench, tracked: Ended) -> None:
    before = shared.run_numbers()
    ended = shared.warm_run("--set", f"tracking.mlflow.uri=sqlite:///{shared.folder}")
    assert ended.code == 2
    assert f"tracking.mlflow.uri: must name a file, but {shared.folder} is a folder" in ended.said
    assert shared.run_numbers() == before


def test_the_record_holds_no_more_than_the_address(shared: Workbench, tracked: Ended, uri: str) -> None:
    assert shared.record(3)["config"]["tracking"] == {
        "mlflow": {"uri": uri},
        "wandb": {"project": None, "entity": None, "mode": "offline"},
    }
