"""Takes a snapshot of production. Never cached: only this step sees what changed there."""

from typing import Annotated

from zenml import step

from finetune.config.production import ProductionConfig
from finetune.reconcile.labels import labels_of
from finetune.reconcile.snapshot import Snapshot, take_snapshot
from materializers.table import TableMaterializer
from operators.secrets import secret_readers
from steps.claim import claim_number
from steps.work import working


@step(enable_cache=False, output_materializers=TableMaterializer)
def snapshot(production: ProductionConfig) -> Annotated[Snapshot, "production"]:
    """Reads the labels and lists the files, once a run; a scheduled run claims its number here."""
    claim_number()
    with working() as scratch:
        rows = labels_of(production.labels, secret_readers())
        names = production.files_from_production
        return take_snapshot(rows, folder=production.files, names=names, target=scratch / "production.parquet")
