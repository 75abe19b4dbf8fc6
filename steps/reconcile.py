"""Reconciles labels with raw files, in the experiment home."""

from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from zenml import log_metadata, step
from zenml.client import Client
from zenml.exceptions import IllegalOperationError
from zenml.utils.pagination_utils import depaginate

from finetune.config.reconcile import ReconcileConfig
from finetune.experiment import Home
from finetune.functions import load_functions
from finetune.reconcile.manifest import Manifest
from finetune.reconcile.reconcile import reconcile as reconcile_ids
from finetune.reconcile.snapshot import Snapshot
from materializers.table import TableMaterializer
from steps.work import working


@step(output_materializers=TableMaterializer)
def reconcile(
    production: Snapshot,
    home: Home,
    folder: str,
    files_from_production: list[str],
    files_at_home: list[str],
    settings: ReconcileConfig,
    functions: str,
    code: str,
) -> Annotated[Manifest, "manifest"]:
    """Brings every id that has a label and files home; `code` is the hash of process_func."""
    _expire_earlier(home)
    with working() as scratch:
        reconciled = reconcile_ids(
            production,
            home=home,
            production=folder,
            files_from_production=files_from_production,
            files_at_home=files_at_home,
            process_func=load_functions(functions).process_func,
            process_hash=code,
            overwrite=settings.overwrite,
            workers=settings.threads(home.path, folder),
            target=scratch / "manifest.parquet",
        )
        log_metadata({"files": reconciled.decisions, "dropped": reconciled.manifest.dropped_counts()})
        log_metadata({"retries": reconciled.retries})
        log_metadata({"labels": reconciled.manifest.label_counts()})
        return reconciled.manifest


def _expire_earlier(home: Home) -> None:
    """Takes earlier reconciles of this home out of the cache: what they left there is about to change."""
    client = Client()
    candidates = {"name": "reconcile", "status": "completed", "cache_expired": False, "hydrate": True}
    for earlier in depaginate(client.list_run_steps, **candidates):
        if earlier.config.parameters.get("home") == asdict(home):
            with suppress(IllegalOperationError):  # its run was stopped: ZenML has expired it, and refuses to go on
                client.update_step_run(earlier.id, cache_expires_at=datetime.now(UTC))
