"""The table of an experiment's runs."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.history import CHANGES, NEWEST, changes, margin_of, scores_of, table
from cli.main import main
from finetune import runs as records
from finetune.experiment import Home
from finetune.runs import Run, Status

BASELINES = {"majority": {"macro_f1": 0.1}, "tfidf": {"macro_f1": 0.5}}


def run(number: int, config: dict[str, Any] | None = None, **facts: Any) -> Run:
    known: dict[str, Any] = {"status": Status.COMPLETED, "stack": "local", "started": "2026-01-02T03:04:05+00:00"}
    return Run(experiment="EXP-1-a", run_number=number, versions={}, config=config or {}, **{**known, **facts})


def shown(*known: Run | None) -> list[str]:
    out = StringIO()
    found = dict(enumerate(known, start=1))
    Console(file=out, width=160).print(table(found))
    return out.getvalue().splitlines()


def test_a_run_has_its_scores_its_margin_and_what_changed_and_the_newest_comes_first() -> None:
    first = run(1, {"train": {"epochs": 2}}, metrics={"macro_f1": 0.6}, baselines=BASELINES, seconds={"train": 61.0})
    lines = shown(first, run(2, {"train": {"epochs": 3}}, status=Status.FAILED))
    failed, completed = (next(line for line in lines if word in line) for word in ("failed", "completed"))
    assert lines.index(failed) < lines.index(completed)
    assert "train.epochs: 2 -> 3" in failed and "0.600" not in failed
    for cell in ("2026-01-02 03:04:05", "1 min 01 s", "0.600", "+0.100"):
        assert cell in completed


@pytest.mark.parametrize(("metric", "told"), [("log_loss", "-0.100 in log_loss"), ("macro_f1", "+0.200")])
def test_a_margin_is_a_gain_and_names_a_metric_that_has_no_column(metric: str, told: str) -> None:
    scores = {"macro_f1": 0.7, "log_loss": 0.9}
    baselines = {"majority": {"macro_f1": 0.1, "log_loss": 0.8}, "tfidf": {"macro_f1": 0.5, "log_loss": 1.0}}
    assert margin_of(run(1, {"train": {"best_metric": metric}}, metrics=scores, baselines=baselines)) == told


def test_of_several_models_the_best_counts() -> None:
    config = {"train": {"best_metric": "macro_f1"}}
    models = {
        "a": {"metrics": {"accuracy": 0.9, "macro_f1": 0.4}},
        "b": {"metrics": {"accuracy": 0.8, "macro_f1": 0.7}},
        "c": {"failure": "too large"},
    }
    several = run(1, config, models=models, baselines=BASELINES)
    assert scores_of(several)["macro_f1"] == 0.7
    assert any("0.700" in line and "+0.200" in line for line in shown(several))


def test_of_a_metric_that_is_better_low_the_lowest_counts() -> None:
    config = {"train": {"best_metric": "brier"}}
    models = {"a": {"metrics": {"brier": 0.3}}, "b": {"metrics": {"brier": 0.2}}}
    low = run(1, config, models=models, baselines={"majority": {"brier": 0.75}, "tfidf": {"brier": 0.5}})
    assert scores_of(low) == {"brier": 0.2} and margin_of(low) == "+0.300"


def test_a_run_that_scored_nothing_and_one_without_a_record_have_their_rows() -> None:
    lines = shown(None, run(2, status=Status.RUNNING))
    assert any("no record" in line for line in lines) and any("running" in line for line in lines)


def test_only_the_newest_have_rows_and_the_oldest_of_them_tells_what_changed() -> None:
    lines = shown(*(run(number, {"seed": number}) for number in range(1, NEWEST + 2)))
    assert sum("completed" in line for line in lines) == NEWEST
    assert "seed: 1 -> 2" in lines[-2]


def test_of_many_changes_the_first_are_told_and_long_values_are_cut() -> None:
    before, after = {"a": 1, "b": {"c": "x" * 99}, "d": [1], "e": 1}, {"a": 2, "b": {"c": None}, "d": [2]}
    told = changes(run(1, before), run(2, after))
    assert told == ["a: 1 -> 2", f"b.c: {'x' * 40}... -> none", "d: [1] -> [2]", "and 1 more"]
    assert len(told) == CHANGES + 1


def test_other_data_and_other_functions_are_told_where_both_runs_know_theirs() -> None:
    first, second = run(1, code="a", data="1"), run(2, code="b", data="2")
    assert changes(first, second) == ["labels or files", "functions.py, or what it imports"]
    assert changes(first, first) == changes(first, run(2)) == changes(run(1), second) == []


def test_the_command_reads_the_home_and_refuses_an_experiment_without_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(str(tmp_path), "EXP-1-a")
    for _ in range(2):
        records.claim(home, stack="local", config={}, versions={})
    (tmp_path / "EXP-1-a" / "runs" / "3").mkdir()
    assert main(["runs", "EXP-1", "--root", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert f"EXP-1-a: {home.runs}" in said and said.count("running") == 2 and "no record" in said
    (tmp_path / "EXP-2-b").mkdir()
    assert main(["runs", "EXP-2", "--root", str(tmp_path)]) == 2
    assert "error: runs EXP-2-b: it has no runs in" in capsys.readouterr().err
