"""Takes a snapshot of production. Never cached: only this step sees what changed there."""

from typing import Annotated, Any

from zenml import step

from finetune.checks.earlier import labels_of_run
from finetune.config.production import ProductionConfig
from finetune.experiment import Home
from finetune.reconcile.labels import labels_of
from finetune.reconcile.snapshot import Snapshot, take_snapshot
from materializers.table import TableMaterializer
from operators.secrets import secret_readers
from steps.claim import claim_number
from steps.work import working


@step(enable_cache=False, output_materializers={"production": TableMaterializer})
def snapshot(
    production: ProductionConfig, home: Home
) -> tuple[Annotated[Snapshot, "production"], Annotated[dict[str, Any], "labels"]]:
    """Reads the labels and lists the files, once a run; a scheduled run claims its number here.

    The labels are counted, and set beside those of the last completed run that had others.
    """
    claim_number()
    with working() as scratch:
        taken = take_snapshot(
            labels_of(production.labels, secret_readers(), with_hash=True),
            folder=production.files,
            names=production.files_from_production,
            target=scratch / "production.parquet",
            hash_column=production.labels.hash,
        )
        return taken, labels_of_run(home, taken)
