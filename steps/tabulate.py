"""Merges the encoded groups into one table of features, with statistics and a report."""

from typing import Annotated

from zenml import log_metadata, step
from zenml.types import CSVString, HTMLString

from finetune.artifacts import Features
from finetune.config.features import FeaturesConfig
from finetune.config.prepare import PrepareConfig
from finetune.experiment import Home
from finetune.features.survey import DROPPED
from finetune.features.table import write_features
from finetune.report.features import build_features_report
from finetune.shards.group import Group
from finetune.shards.markers import forget
from finetune.shards.merge import ALL, merge
from finetune.shards.plan import Plan
from materializers.table import TableMaterializer
from steps.room import shards_of
from steps.work import run_facts, working


@step(output_materializers={"features": TableMaterializer})
def tabulate(
    plan: Plan, groups: list[Group], home: Home, settings: PrepareConfig, features: FeaturesConfig, code: str
) -> tuple[Annotated[Features, "features"], Annotated[CSVString, "statistics"], Annotated[HTMLString, "report"]]:
    """Puts the groups together by reference and writes their rows as Parquet; `code` is the hash of what does so."""
    with working() as scratch:
        merged = merge(plan, groups, shards_of(settings).max_dropped, [ALL], before=plan.about[DROPPED])
        labels = plan.table(["guid", "label"]).to_pydict()
        labelled = dict(zip(labels["guid"], labels["label"], strict=True))
        target = scratch / "features.parquet"
        table, statistics = write_features(merged.dataset[ALL], labelled, features, target)
        report = build_features_report(
            statistics,
            run=run_facts(),
            groups=merged.statistics,
            ids=merged.ids,
            dropped=merged.dropped,
            by=features.by or "",
        )
        log_metadata({"rows": len(merged.dataset[ALL]), "left_out": len(merged.dropped), **merged.statistics})
        for group in groups:
            forget(str(home.parts), group.about.parts)
        return table, CSVString(statistics.to_csv()), HTMLString(report)
