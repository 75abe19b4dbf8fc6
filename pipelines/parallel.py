"""The pipelines as this machine runs them where prepare.shards.parallel is above 1: each group in a thread."""

from typing import Any

from zenml import pipeline

from pipelines.dynamic import values_as_parameters
from pipelines.features import table
from pipelines.finetune import experiment, tuned_here
from steps.check_data import check_data
from steps.compare import compare
from steps.conclude import conclude
from steps.divide import divide
from steps.encode_group import encode_group
from steps.evaluate import evaluate
from steps.fetch import fetch
from steps.fetch_dataset import fetch_dataset
from steps.gate import gate
from steps.ingest import ingest
from steps.ingest_dataset import ingest_dataset
from steps.merge import merge
from steps.metrics import metrics
from steps.reconcile import reconcile
from steps.register import register
from steps.snapshot import snapshot
from steps.survey import survey
from steps.tabulate import tabulate
from steps.train import train
from steps.transform import transform
from steps.tune import tune


@pipeline(
    name="finetune_parallel",
    dynamic=True,
    enable_cache=True,
    depends_on=[
        *(fetch, snapshot, reconcile, check_data, divide, encode_group, merge, ingest_dataset, fetch_dataset),
        *(tune, train, evaluate, compare, conclude, gate, register, transform, metrics),
    ],
)
def finetune_parallel(config: dict[str, Any], code: dict[str, str], groups: list[dict[str, Any]]) -> None:
    """Runs one experiment; takes what `finetune` takes."""
    values_as_parameters()
    experiment(config, code, groups, tuned_here)


@pipeline(
    name="features_parallel", dynamic=True, enable_cache=True, depends_on=[survey, encode_group, tabulate, ingest]
)
def features_parallel(config: dict[str, Any], code: dict[str, str], groups: list[dict[str, Any]]) -> None:
    """Runs one experiment; takes what `features` takes."""
    values_as_parameters()
    table(config, code, groups)
