"""Gathers the facts of a report from what the steps left behind."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from finetune.evaluation.evaluate import Evaluation
from finetune.evaluation.names import BASELINES
from finetune.reconcile.manifest import Manifest
from finetune.report.facts import ReportFacts, group_dropped
from finetune.report.verdict import headline_metric
from finetune.storage.copy import hash_file
from finetune.versions import versions


def report_facts(
    evaluation: Evaluation,
    preparation: Mapping[str, Any],
    history: Sequence[Mapping[str, float]],
    manifest: Manifest,
    *,
    run: Mapping[str, Any],
    seconds: Mapping[str, float],
) -> ReportFacts:
    """Puts together what the report says.

    Args:
        evaluation: Of the test split.
        preparation: What prepare decided and counted.
        history: The loss curve.
        manifest: What reconcile kept and dropped.
        run: experiment, run_number, stack, started and config of the run that computes this; of several models, the
            name of this one as model.
        seconds: Seconds of work of each step, of this one so far.
    """
    luck, dropped = evaluation.luck, list(manifest.dropped())
    best_metric = run["config"]["train"]["best_metric"]
    counts = Counter(manifest.label_counts())
    counts.update(label for _, label, _ in dropped if label is not None)
    return ReportFacts(
        experiment=run["experiment"],
        run_number=run["run_number"],
        stack=run["stack"],
        created=run["started"],
        headline=headline_metric(best_metric, evaluation.metrics),
        labels=evaluation.labels,
        metrics=evaluation.metrics,
        baselines={BASELINES[name]: metrics for name, metrics in evaluation.baselines.items()},
        per_label=evaluation.per_label,
        confusion=evaluation.confusion,
        calibration=evaluation.calibration,
        mistakes=evaluation.mistakes,
        best_metric=best_metric,
        history=history,
        counts_before=dict(sorted(counts.items())),
        counts_after=preparation["counts"],
        left_out=preparation["left_out"],
        dropped=group_dropped((guid, reason) for guid, _, reason in dropped),
        rejected=preparation["rejected"],
        truncated=preparation["truncated"],
        seconds=seconds,
        luck=luck._replace(margins={BASELINES[name]: of for name, of in luck.margins.items()}),
        majority_label=evaluation.majority_label,
        config=run["config"],
        versions=versions(),
        hashes={"manifest": hash_file(manifest.path)},
        model=run.get("model"),
    )
