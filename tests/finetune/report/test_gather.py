from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.comparison.bootstrap import Interval
from finetune.evaluation.calibration import calibration
from finetune.evaluation.confusion import confusion_matrix
from finetune.evaluation.evaluate import Evaluation
from finetune.evaluation.luck import Luck
from finetune.evaluation.scores import per_label_table
from finetune.reconcile.manifest import FileAtHome, Manifest, write_manifest
from finetune.report.facts import ReportFacts
from finetune.report.gather import report_facts
from finetune.report.report import build_report
from finetune.storage.copy import hash_file

LABELS = ["notice", "tag"]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    rows = {f"id{number}": {"guid": f"id{number}", "label": LABELS[number % 2]} for number in range(6)}
    rows["clue0"] = {"guid": "clue0", "label": "clue"}
    rows["bare"] = {"guid": "bare", "label": None}
    files = [FileAtHome("x/a.txt", 1, "ab", "s"), FileAtHome("x/b.txt", 1, "cd", "s")]
    kept = dict.fromkeys(("id0", "id1", "id2", "clue0"), files)
    dropped = {"id3": "duplicate of id1", "id4": "no file", "id5": "no file", "bare": "no label", "stray": "no label"}
    return write_manifest(tmp_path / "manifest.parquet", rows=rows, kept=kept, dropped=dropped)


def gather(manifest: Manifest, best_metric: str = "macro_f1") -> ReportFacts:
    probabilities, references = np.array([[0.9, 0.1], [0.6, 0.4]], dtype=np.float32), np.array([0, 1])
    evaluation = Evaluation(
        labels=LABELS,
        metrics={"accuracy": 0.5, "macro_f1": 0.4},
        baselines={"majority": {"macro_f1": 0.3}, "tfidf": {"macro_f1": 0.35}},
        luck=Luck({"macro_f1": Interval(0.1, 0.9)}, {"tfidf": {"macro_f1": Interval(-0.1, 0.2)}}),
        majority_label="notice",
        per_label=per_label_table(probabilities, references, LABELS),
        confusion=confusion_matrix(probabilities, references, 2),
        calibration=calibration(probabilities, references),
        mistakes=[],
        predictions=Path("unused"),
    )
    preparation: dict[str, Any] = {
        "counts": {split: {"notice": 1, "tag": 1} for split in ("train", "validation", "test")},
        "left_out": {"clue": "in prepare.ignored_labels (1 id)"},
        "rejected": ["id2"],
        "truncated": {"notice": 0.5, "tag": 0.0},
    }
    run = {
        "experiment": "EXP-1-test",
        "run_number": 4,
        "stack": "local",
        "started": "2026-03-02T14:31:07+00:00",
        "config": {"train": {"best_metric": best_metric}},
    }
    history = [{"step": 1, "epoch": 1.0, "loss": 0.7}]
    return report_facts(evaluation, preparation, history, manifest, run=run, seconds={"train": 3.0})


def test_counts_before_are_all_labelled_ids_once_kept_or_dropped(manifest: Manifest) -> None:
    assert gather(manifest).counts_before == {"clue": 1, "notice": 3, "tag": 3}


def test_dropped_ids_are_counted_by_reason(manifest: Manifest) -> None:
    found = {group.reason: (group.count, group.examples) for group in gather(manifest).dropped}
    assert found == {"no file": (2, ("id4", "id5")), "no label": (2, ("bare", "stray")), "duplicate": (1, ("id3",))}


def test_facts_of_the_run_and_of_the_preparation_are_taken_over(manifest: Manifest) -> None:
    facts = gather(manifest)
    assert (facts.experiment, facts.run_number, facts.stack) == ("EXP-1-test", 4, "local")
    assert facts.created == "2026-03-02T14:31:07+00:00"
    assert facts.rejected == ["id2"]
    assert facts.truncated == {"notice": 0.5, "tag": 0.0}
    assert facts.hashes == {"manifest": hash_file(manifest.path)}
    assert facts.versions["python"]


def test_baselines_have_names_that_read_well(manifest: Manifest) -> None:
    facts = gather(manifest)
    assert list(facts.baselines) == ["the majority label", "TF-IDF + logistic regression"]
    assert list(facts.luck.margins) == ["TF-IDF + logistic regression"]


@pytest.mark.parametrize(("wanted", "headline"), [("accuracy", "accuracy"), ("loss", "macro_f1")])
def test_the_headline_is_the_metric_that_chose_the_checkpoint_if_it_was_evaluated(
    manifest: Manifest, wanted: str, headline: str
) -> None:
    assert gather(manifest, wanted).headline == headline


def test_a_report_can_be_built_from_it(manifest: Manifest) -> None:
    assert "Macro F1 0.400 on 2 test ids" in build_report(gather(manifest))
