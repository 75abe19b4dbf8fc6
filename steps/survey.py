"""Surveys files that are read where they lie. Never cached: only this step sees what changed in production."""

from typing import Annotated

from zenml import log_metadata, step

from finetune.config.prepare import PrepareConfig
from finetune.config.production import ProductionConfig
from finetune.experiment import Home
from finetune.features.survey import DROPPED
from finetune.features.survey import survey as survey_files
from finetune.reconcile.labels import labels_of
from finetune.shards.plan import Plan
from materializers.table import TableMaterializer
from operators.secrets import secret_readers
from steps.claim import claim_number
from steps.room import refuse_without_room, shards_of
from steps.work import working


@step(enable_cache=False, output_materializers=TableMaterializer)
def survey(production: ProductionConfig, home: Home, settings: PrepareConfig) -> Annotated[Plan, "plan"]:
    """Reads the labels and lists the files, once a run, and assigns ids; a scheduled run claims its number."""
    claim_number()
    with working() as scratch:
        shards = shards_of(settings)
        plan, sizes = survey_files(
            labels_of(production.labels, secret_readers()),
            folder=production.files,
            patterns=production.files_from_production,
            groups=shards.steps,
            by=shards.by,
            max_dropped=shards.max_dropped if shards.corrupt == "drop" else 0.0,
            target=scratch / "plan.parquet",
        )
        refuse_without_room(plan, shards, home, production.files, settings.processes)
        log_metadata({"bytes": sizes, "left_out": len(plan.about[DROPPED])})
        return plan
