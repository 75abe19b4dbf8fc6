"""Divides the ids of a dataset into groups, before any of them is encoded."""

from typing import Annotated

from zenml import log_metadata, step

from finetune.config.prepare import PrepareConfig
from finetune.experiment import Home
from finetune.prepare.divide import divide as divide_ids
from finetune.prepare.prepare import choose
from finetune.reconcile.at_home import refuse_changed
from finetune.reconcile.manifest import Manifest
from finetune.reconcile.occupant import refuse_other
from finetune.shards.plan import Plan
from materializers.table import TableMaterializer
from steps.room import refuse_without_room, shards_of
from steps.work import working


@step(output_materializers=TableMaterializer)
def divide(
    manifest: Manifest, home: Home, files_at_home: list[str], settings: PrepareConfig, code: str
) -> Annotated[Plan, "plan"]:
    """Selects and splits ids as prepare does, and assigns them to groups; `code` is the hash of what does so."""
    with working() as scratch:
        shards = shards_of(settings)
        chosen = choose(manifest, **settings.choice)
        refuse_changed(manifest, home, chosen.guids, files_at_home)
        target = scratch / "plan.parquet"
        plan, sizes = divide_ids(
            manifest, chosen, files_at_home=files_at_home, groups=shards.steps, by=shards.by, target=target
        )
        refuse_other(home, manifest)
        refuse_without_room(plan, shards, home, str(home.reconciled), settings.processes)
        log_metadata({"ids": len(chosen.guids), "bytes": sizes})
        return plan
