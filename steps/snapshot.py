"""Takes a snapshot of production. Never cached: only this step sees what changed there."""

from typing import Annotated

from zenml import step

from finetune.config.production import ProductionConfig
from finetune.config.references import resolve
from finetune.reconcile.labels import read_labels
from finetune.reconcile.snapshot import Snapshot, take_snapshot
from materializers.table import TableMaterializer
from steps.work import working


@step(enable_cache=False, output_materializers=TableMaterializer)
def snapshot(production: ProductionConfig) -> Annotated[Snapshot, "production"]:
    """Reads the labels and lists the files, once a run."""
    labels = production.labels
    with working() as scratch:
        rows = read_labels(
            url=None if labels.url is None else resolve(labels.url),
            query=labels.query,
            params={name: resolve(value) for name, value in labels.params.items()},
            file=labels.file,
        )
        names = production.files_from_production
        return take_snapshot(rows, folder=production.files, names=names, target=scratch / "production.parquet")
