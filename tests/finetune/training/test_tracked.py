"""A training with trackers: the first process hands on each point, and no tracker changes what is trained."""

from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from finetune.config.train import TrainConfig
from finetune.errors import TrainError
from finetune.evaluation.scores import default_metrics
from finetune.functions import load_functions
from finetune.tracking.settings import Credentials, Mlflow, Tracking, Wandb
from finetune.training.spec import TrainingSpec
from finetune.training.train import Trained, train
from tests.finetune.tracking.conftest import failing
from tests.finetune.training.conftest import LABELS, Prepared

pytestmark = pytest.mark.usefixtures("pair_project")
SETTINGS: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 8,
    "learning_rate": 0.05,
    "log_every": 1,
    "precision": "fp32",
    "save_every": 4,
    "processes": 2,
}


def tracking(folder: Path, uri: str, wandb: Wandb | None = None) -> Tracking:
    here = str(folder)
    return Tracking("EXP-1-pair", 3, "2026-11-20T10:00:00+00:00", "train", {}, here, here, here, Mlflow(uri), wandb)


@pytest.fixture
def pair(tmp_path: Path, prepared: Prepared) -> Any:
    def pair(told: Tracking | None, model: dict[str, Any] | None = None, **settings: Any) -> Trained:
        return train(
            prepared(),
            TrainingSpec(
                labels=LABELS,
                functions="pair",
                get_model=load_functions("pair").get_model,
                compute_metrics=default_metrics,
                model=model or {},
                settings=TrainConfig(**{**SETTINGS, **settings}),
                checkpoints=tmp_path / "checkpoints",
                target=tmp_path / "model",
            ),
            tracking=told,
        )

    return pair


def test_two_processes_that_are_ended_and_go_on_leave_one_run_with_each_point_once(pair: Any, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/track/mlflow.db"
    (tmp_path / "track").mkdir()
    client = MlflowClient(tracking_uri=uri)  # makes the database, which takes seconds
    told = tracking(tmp_path, uri, Wandb("words", offline=True))
    with pytest.raises(TrainError, match="rank 1"):
        pair(told, {"rank": 1, "how": "raise", "at": 12})
    experiment = client.get_experiment_by_name("EXP-1-pair").experiment_id
    (run,) = client.search_runs([experiment])
    assert run.info.status == "FAILED"
    trained = pair(told)
    (run,) = client.search_runs([experiment])
    assert run.info.status == "FINISHED"
    for name in ("loss", "validation_loss", "validation_macro_f1"):
        curve = {point["step"]: point[name] for point in trained.history if name in point}
        logged = client.get_metric_history(run.info.run_id, name)
        assert [point.step for point in logged] == list(curve), name
        assert [point.value for point in logged] == pytest.approx(list(curve.values())), name
    attempts = list(tmp_path.glob("wandb/offline-run-*"))
    assert len({path.name.split("-", 3)[3] for path in attempts}) == 1 < len(attempts), "two attempts, one id"


def test_the_first_process_has_the_credentials_of_the_step_and_a_tracker_that_fails_changes_nothing(
    pair: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    heard: list[str] = []
    with failing(heard) as uri, Credentials({"MLFLOW_TRACKING_TOKEN": "planted"}).in_environment():
        tracked = pair(tracking(tmp_path, uri))
    said = capfd.readouterr().err
    assert heard.count("Authorization: Bearer planted") == sum(line.startswith(("GET", "POST")) for line in heard) > 0
    assert said.count("mlflow: ") == 1
    assert "planted" not in said
    assert tracked.history[-1]["step"] == 18
