import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from finetune.checks.finding import Finding
from finetune.comparison.answers import Answers, read_answers
from finetune.comparison.compare import Comparison, compare
from finetune.comparison.table import cost_of, ranked
from finetune.errors import CompareError
from finetune.evaluation.scores import default_metrics
from finetune.report.comparison import build_comparison, title
from tests.finetune.comparison.conftest import LABELS, rows_of, write_predictions

RUN = {"experiment": "EXP-1-test", "run_number": 2, "stack": "local", "started": "2026-03-02T14:31:07+00:00"}
FAILURE = {"failure": {"model": "broken", "step": "train", "error": "loss is <NaN>"}}


def evaluated(answers: Answers, model: str) -> dict[str, Any]:
    metrics = default_metrics(answers.probabilities[model], answers.references, answers.labels)
    baselines = {"majority": {"accuracy": 0.3, "macro_f1": 0.2}}
    return {"labels": LABELS, "metrics": metrics, "baselines": baselines}


def compared(answers: Answers, folder: Path, *models: str, **changes: Any) -> Comparison:
    files = {model: write_predictions(folder / f"{model}.parquet", rows_of(answers, model)) for model in models}
    names = [*models, "broken"]
    settings: dict[str, Any] = {
        "seconds": {name: {"train": 5.0, "evaluate": 1.0} for name in names},
        "costs": dict.fromkeys(names, "none: this machine"),
        "compute_metrics": None,
        "best_metric": "macro_f1",
    }
    found = {**{model: evaluated(answers, model) for model in models}, "broken": FAILURE}
    return compare(found, {**files, "broken": folder / "none"}, **{**settings, **changes})


def page(comparison: Comparison, folder: Path, text: str | None = "text.json", checks: Sequence[Any] = ()) -> str:
    for row in comparison.apart:
        (folder / row.guid).mkdir(exist_ok=True)
        (folder / row.guid / "text.json").write_text(json.dumps({"text": f"<b>{row.guid}</b> " + "word " * 200}))
    return build_comparison(comparison, run=RUN, reconciled=folder, text=text, checks=checks)


def test_the_page_shows_what_the_data_checks_found(answers: Answers, tmp_path: Path) -> None:
    finding = Finding("near_duplicates", "warn", 0.12, 0.05, "12 of 100 test texts nearly equal one", "remove them")
    found = compared(answers, tmp_path, "good", "fair")
    shown = page(found, tmp_path, checks=[finding.to_dict()])
    assert "near duplicates" in shown and "12.0%" in shown and "12 of 100 test texts nearly equal one" in shown
    assert "Data checks" not in page(found, tmp_path)


def test_the_table_has_models_best_first_then_failures_then_baselines(answers: Answers, tmp_path: Path) -> None:
    found = compared(answers, tmp_path, "poor", "good", "fair")
    assert [(row.name, row.kind) for row in found.rows] == [
        ("good", "model"),
        ("fair", "model"),
        ("poor", "model"),
        ("broken", "failed"),
        ("majority", "baseline"),
    ]
    assert found.metrics == ["accuracy", "macro_f1", "weighted_f1"]
    good = found.rows[0]
    assert good.metrics == pytest.approx(evaluated(answers, "good")["metrics"])
    for metric, (lower, upper) in good.intervals.items():
        assert lower <= good.metrics[metric] <= upper
    assert found.failures == {"broken": FAILURE["failure"]}
    assert json.loads(json.dumps(found.to_dict()))["rows"][3]["failure"] == "train: loss is <NaN>"


def test_the_best_two_are_tested_and_their_difference_is_drawn_in_pairs(answers: Answers, tmp_path: Path) -> None:
    best = compared(answers, tmp_path, "poor", "good", "fair").best
    assert best is not None and (best.first, best.second) == ("good", "fair")
    assert best.interval is not None and best.interval.lower < best.difference < best.interval.upper
    assert best.mcnemar.only_first > best.mcnemar.only_second
    far = compared(answers, tmp_path, "poor", "good").best
    assert far is not None and far.mcnemar.p < 0.001 and "hardly luck" in far.told


def test_the_experiments_own_metrics_rank_the_models(answers: Answers, tmp_path: Path) -> None:
    def own(probabilities: Any, references: Any, labels: Any) -> dict[str, float]:
        return {"error": float((probabilities.argmax(axis=1) != references).mean())}

    found = compared(answers, tmp_path, "poor", "good", compute_metrics=own, best_metric="error")
    assert [row.name for row in found.rows[:2]] == ["good", "poor"]
    assert found.headline == "error" and found.rows[0].intervals.keys() == {"error"}


def test_only_ids_that_all_models_saw_are_compared(answers: Answers, tmp_path: Path) -> None:
    less = {guid: row for guid, row in rows_of(answers, "fair").items() if guid != "id007"}
    files = {"good": tmp_path / "good.parquet", "fair": tmp_path / "fair.parquet"}
    write_predictions(files["good"], rows_of(answers, "good"))
    write_predictions(files["fair"], less)
    found = read_answers(files, LABELS)
    assert (len(found.guids), found.left_out) == (59, 1)
    assert np.array_equal(found.predicted("good"), np.delete(answers.predicted("good"), 7))


def test_models_of_other_labels_or_without_a_common_id_cannot_be_compared(answers: Answers, tmp_path: Path) -> None:
    rows = rows_of(answers, "good")
    files = {"good": write_predictions(tmp_path / "good.parquet", rows)}
    files["other"] = write_predictions(tmp_path / "other.parquet", {f"x{guid}": row for guid, row in rows.items()})
    with pytest.raises(CompareError, match="good, other have no test id in common"):
        read_answers(files, LABELS)
    turned = ["tag", "notice", "text"]
    files["other"] = write_predictions(tmp_path / "other.parquet", rows, turned)
    with pytest.raises(CompareError, match="models.other.*where their labels are the same"):
        read_answers(files, LABELS)
    wrong = {guid: ("tag" if label == "text" else "text", row) for guid, (label, row) in rows.items()}
    files["other"] = write_predictions(tmp_path / "other.parquet", wrong)
    with pytest.raises(CompareError, match="id id000 has label"):
        read_answers(files, LABELS)


def test_failures_alone_and_a_single_result_make_a_comparison_too(answers: Answers, tmp_path: Path) -> None:
    none, one = compared(answers, tmp_path), compared(answers, tmp_path, "good")
    assert title(none) == "None of 1 model has a result."
    assert title(one).startswith("Only good has a result: macro F1 0.")
    for found in (none, one):
        assert found.best is None
        assert "loss is &lt;NaN&gt;" in page(found, tmp_path)


def test_a_model_without_a_number_ranks_last() -> None:
    assert ranked({"a": {}, "b": {"f1": 0.1}, "c": {"f1": float("nan")}, "d": {"f1": 0.2}}, "f1") == [
        "d",
        "b",
        "a",
        "c",
    ]
    assert ranked({"a": {"loss": 2.0}, "b": {"loss": 1.0}}, "loss") == ["b", "a"]


def test_cost_is_told_by_machine_and_hours_as_prices_are_not_known() -> None:
    seconds = {"train": 1800.0, "evaluate": 60.0}
    assert cost_of(seconds, None) == "none: this machine"
    machines = {"train": {"instance_type": "ml.g5.xlarge", "instance_count": 2}, "evaluate": None}
    assert cost_of(seconds, machines) == "price not known: 0.50 h of 2 x ml.g5.xlarge"
    assert cost_of(seconds, {"train": None}) == "price not known"


def test_the_page_says_it_all_and_shows_texts_safely(answers: Answers, tmp_path: Path) -> None:
    found = compared(answers, tmp_path, "poor", "good", "fair")
    html = page(found, tmp_path)
    assert title(found) in html and "which may be luck" in title(found)
    for said in ("good is best", "1 of 4 models failed", "kappa", "none: this machine", "95%"):
        assert said in html
    assert found.best is not None and found.best.told in html
    first = found.apart[0].guid
    assert f"&lt;b&gt;{first}&lt;/b&gt; word word" in html and f"<b>{first}" not in html
    assert (tmp_path / first).resolve().as_uri() in html
    assert "http" not in html.replace("http-equiv", "")
    assert "word word" not in page(found, tmp_path, text=None)
