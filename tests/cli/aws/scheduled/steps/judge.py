"""In place of reconcile, prepare, train and evaluate: metrics, and a report that names its run."""

import time
from typing import Annotated, Any

from zenml import step
from zenml.types import HTMLString

from finetune.reconcile.snapshot import Snapshot
from steps.work import run_facts, working


@step(enable_cache=False)
def judge(production: Snapshot) -> tuple[Annotated[dict[str, Any], "metrics"], Annotated[HTMLString, "report"]]:
    """Knows its run's number; the second run goes on until it is stopped."""
    with working():
        facts = run_facts()
        if facts["run_number"] == 2:
            time.sleep(600)
        page = f"<p>{facts['experiment']}, run {facts['run_number']}, begun {facts['started']}</p>"
        return {"metrics": {"accuracy": 0.5}, "baselines": {"majority": {"accuracy": 0.25}}}, HTMLString(page)
