"""Computes metrics from the answers of a transform; they equal evaluate's, as serving encodes as training did."""

from typing import Annotated, Any

from zenml import log_metadata, step

from finetune.artifacts import Predictions
from finetune.experiment import Home
from finetune.functions import load_functions
from finetune.progress import say
from finetune.registry.facts import read_facts
from finetune.transform.scored import scored
from steps.work import run_facts, working


@step
def metrics(
    transformed: Predictions, counts: dict[str, Any], home: Home, functions: str, code: str
) -> Annotated[dict[str, Any], "transformed_metrics"]:
    """Gives metrics, their distance from evaluate's, and the counts of the transform; `code` is the metrics' hash."""
    with working():
        facts = read_facts(home, run_facts()["run_number"])
        compute_metrics = load_functions(functions).compute_metrics
        found = scored(transformed.path, facts.labels, compute_metrics, facts.metrics)
        farthest = max(found["differences"].values(), default=0.0)
        say(f"metrics: of {counts['answered']:,} answers, at most {farthest:.6f} from evaluate's")
        log_metadata({**found})
        return found | counts
