"""Which places of a config a stack replaces."""

from pathlib import Path

import pytest

from finetune.config.load import load_config
from finetune.config.tracking import MlflowConfig, TrackingConfig, WandbConfig
from stacks.place import is_on_one_machine, place

ROOT = Path(__file__).resolve().parents[2]
CONFIG = load_config(str(ROOT / "configs" / "EXP-3333.yaml"))
SHARED = "postgresql://reader@labels.example:5432/labels"


def test_a_stack_of_this_machine_changes_nothing() -> None:
    assert place(CONFIG, root=None, production=None) == CONFIG


def test_root_and_places_of_one_machine_are_replaced_and_nothing_else() -> None:
    placed = place(CONFIG, root="s3://team/outputs", production="s3://team/production/")
    assert placed.root == "s3://team/outputs"
    assert placed.production.files == "s3://team/production/license_mentions/files"
    assert placed.production.labels.url == "s3://team/production/license_mentions/labels.db"
    assert placed.production.labels.query == CONFIG.production.labels.query
    assert placed.model_copy(update={"root": CONFIG.root, "production": CONFIG.production}) == CONFIG


def test_a_file_of_labels_keeps_its_name() -> None:
    labels = CONFIG.production.labels.model_copy(update={"url": None, "query": None, "file": "mine/april.csv"})
    config = CONFIG.model_copy(update={"production": CONFIG.production.model_copy(update={"labels": labels})})
    assert (
        place(config, root=None, production="s3://t/p").production.labels.file == "s3://t/p/license_mentions/april.csv"
    )


def test_what_every_machine_reaches_stays() -> None:
    labels = CONFIG.production.labels.model_copy(update={"url": SHARED})
    production = CONFIG.production.model_copy(update={"files": "s3://raw/files", "labels": labels})
    config = CONFIG.model_copy(update={"production": production})
    assert place(config, root=None, production="s3://t/p").production == production


def test_an_mlflow_database_of_one_machine_is_left_out_and_a_server_stays() -> None:
    for uri, stays in (("sqlite:///outputs/mlflow.db", False), ("https://mlflow.example.com", True)):
        tracking = TrackingConfig(mlflow=MlflowConfig(uri=uri), wandb=WandbConfig())
        config = CONFIG.model_copy(update={"tracking": tracking})
        assert place(config, root=None, production=None).tracking == tracking
        placed = place(config, root=None, production="s3://t/p").tracking
        assert (placed.mlflow is not None, placed.wandb) == (stays, WandbConfig())


@pytest.mark.parametrize(
    ("where", "local"),
    [
        ("outputs/files", True),
        ("/data/labels.csv", True),
        ("sqlite:///outputs/labels.db", True),
        ("sqlite+pysqlite:////data/labels.db", True),
        ("s3://bucket/files", False),
        (SHARED, False),
        ("${env:LABELS_URL}", False),
    ],
)
def test_places_of_one_machine_are_told_from_shared_ones(where: str, local: bool) -> None:
    assert is_on_one_machine(where) is local
