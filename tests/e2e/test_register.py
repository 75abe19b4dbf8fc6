"""From a good model to a registered one: gate, registries of this machine, promotion and the way back."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.e2e.workbench import UNCHECKED, Ended, Workbench

GATE = {
    "metrics": {"macro_f1": {"min": 0.1}, "accuracy": {"min": 0.1, "max": 1.0}},
    "above_baselines": {"macro_f1": 0.0},
    "not_worse_than_approved": {"metric": "macro_f1", "tolerance": 1.0},
}
LINKED = """
SELECT artifact.name, model_version.name, model_version.stage FROM model_version
JOIN model ON model.id = model_version.model_id
JOIN model_versions_artifacts AS link ON link.model_version_id = model_version.id
JOIN artifact_version ON artifact_version.id = link.artifact_version_id
JOIN artifact ON artifact.id = artifact_version.artifact_id
WHERE model.name = ?
"""


@pytest.fixture(scope="module")
def bench(shared: Workbench) -> Workbench:
    shared.config |= {
        "steps": {"register": True},
        "register": {"gate": GATE},
        "tracking": {"mlflow": {"uri": f"sqlite:///{shared.folder}/mlflow.db"}},
        "checks": UNCHECKED,
    }
    shared.write_config()
    return shared


def command(bench: Workbench, *words: str) -> Ended:
    """A command on the registered models, in a process that has imported the packages already."""
    arguments = [words[0], bench.experiment, *words[1:], "--root", str(bench.home.parent)]
    return bench.warm.run(arguments, bench.working_directory(), {"PYTHONPATH": str(bench.project)})


@pytest.fixture(scope="module")
def first(bench: Workbench) -> Ended:
    return bench.warm_run("--set", "steps.transform=true", "--set", "transform.records_per_file=3")


@pytest.fixture(scope="module")
def promoted(bench: Workbench, first: Ended) -> Ended:
    return command(bench, "promote", "1", "--to", "production")


@pytest.fixture(scope="module")
def second(bench: Workbench, promoted: Ended) -> Ended:
    """A larger test split: the version in production answers those ids anew that it was not trained on."""
    bench.config["register"] = {"gate": {**GATE, "above_baselines": {}}}
    bench.write_config()
    return bench.warm_run("--set", "prepare.split.test=0.4")


@pytest.fixture(scope="module")
def gated(bench: Workbench, second: Ended) -> Ended:
    bench.config["register"] = {"gate": GATE}
    bench.write_config()
    return bench.warm_run("--set", "register.gate.metrics.macro_f1.min=1.5")


def mlflow(bench: Workbench) -> dict[str, dict[str, str]]:
    """Aliases of the registered model, and run number and source of each version."""
    with sqlite3.connect(bench.folder / "mlflow.db") as database:
        aliases = dict(database.execute("SELECT alias, version FROM registered_model_aliases"))
        runs = dict(database.execute("SELECT version, value FROM model_version_tags WHERE key = 'run_number'"))
        versions = database.execute("SELECT version, source, run_id FROM model_versions").fetchall()
    database.close()
    return {"aliases": {alias: runs[version] for alias, version in aliases.items()}, "versions": versions}


def test_a_model_that_passes_is_registered_in_zenml_and_mlflow(first: Ended, bench: Workbench) -> None:
    assert first.code == 0, first.said
    assert "gate       passed: 5 rules kept" in first.out
    assert (
        f"registered version 1 in zenml ({bench.experiment}:run-1), mlflow (models:/{bench.experiment}@run-1)"
        in first.out
    )
    record = bench.record(1)
    assert record["status"] == "completed" and record["registered"].keys() == {"zenml", "mlflow"}
    there = mlflow(bench)
    assert there["aliases"] == {"run-1": "1"}
    assert there["versions"][0][1] == str(bench.home / "models" / "1") and there["versions"][0][2]


def rows(bench: Workbench, artifact: str, run: int = 1) -> dict[str, dict[str, Any]]:
    """The predictions of a run by id."""
    table = pq.read_table(Path(bench.record(run)["artifacts"][artifact], "table.parquet")).to_pylist()
    return {row.pop("guid"): row for row in table}


def test_a_transform_of_the_package_gives_the_metrics_of_evaluate(first: Ended, bench: Workbench) -> None:
    assert "transform: " in first.said and " of 2 files are left to do" in first.said
    found = bench.record(1)["transformed"]
    assert found["metrics"] == pytest.approx(bench.record(1)["metrics"], abs=1e-4)
    assert max(found["differences"].values()) < 1e-4
    evaluated, transformed = rows(bench, "predictions"), rows(bench, "transformed")
    assert evaluated.keys() == transformed.keys()
    for guid, row in evaluated.items():
        assert row == {name: pytest.approx(value, abs=1e-4) for name, value in transformed[guid].items()}
    assert found["records"] == found["answered"] == len(transformed)
    assert f"transform  {len(transformed)} records answered, 0 failed; metrics at most 0.00" in first.out
    folder = bench.home / "runs" / "1" / "transform"
    assert [path.name for path in folder.iterdir()] == ["failed.jsonl"]


def test_files_of_ids_are_predicted_and_what_cannot_be_asked_is_kept_apart(first: Ended, bench: Workbench) -> None:
    ids = sorted((bench.home / "data" / "reconciled_artifacts").iterdir())[:3]
    lines = bench.folder / "asked.jsonl"
    good = [{"guid": each.name, "instance": {file.name: file.read_text() for file in each.iterdir()}} for each in ids]
    lines.write_text(
        "".join(json.dumps(each) + "\n" for each in good) + 'no json\n{"guid": "x", "instance": {"a": 1}}\n'
    )
    target = bench.folder / "answers"
    asked = command(bench, "predict", "1", "--input", str(lines), "--output", str(target))
    assert asked.code == 0 and "3 of 5 records answered" in asked.said, asked.said
    answers = [json.loads(line) for line in (target / "predictions.jsonl").read_text().splitlines()]
    assert [each["guid"] for each in answers] == [each.name for each in ids]
    failed = [json.loads(line) for line in (target / "failed.jsonl").read_text().splitlines()]
    assert {(each["guid"], each["source"].rpartition("/")[2]) for each in failed} == {
        ("x", "asked.jsonl, line 5"),
        (None, "asked.jsonl, line 4"),
    }
    again = command(bench, "predict", "1", "--input", str(lines), "--output", str(target))
    assert again.code == 0 and "done by an earlier call" in again.said
    other = command(bench, "predict", "1", "--input", str(bench.folder), "--output", str(target))
    assert other.code == 1 and "name another place" in other.err


def test_all_artifacts_are_linked_to_zenmls_version(first: Ended, bench: Workbench) -> None:
    with sqlite3.connect(next(bench.zenml.rglob("zenml.db"))) as database:
        linked = database.execute(LINKED, [bench.experiment]).fetchall()
    database.close()
    assert {"model", "metrics", "predictions", "report", "manifest", "gate"} <= {name for name, _, _ in linked}
    assert {version for _, version, _ in linked} == {"run-1"}


def test_the_facts_hold_all_that_registries_are_told(first: Ended, bench: Workbench) -> None:
    folder = bench.home / "models" / "1"
    facts = json.loads((folder / "model.json").read_text())
    assert facts["metrics"] == bench.record(1)["metrics"] and facts["baselines"].keys() == {"majority", "tfidf"}
    quality = facts["model_quality"]["multiclass_classification_metrics"]
    assert quality["accuracy"]["value"] == pytest.approx(facts["metrics"]["accuracy"])
    assert json.loads((folder / "statistics.json").read_text()) == facts["model_quality"]
    assert len(facts["dataset_hash"]) == len(facts["manifest_hash"]) == 64
    assert facts["package"]["size"] == (folder / "model.tar.gz").stat().st_size


def test_the_report_shows_the_rules_with_their_values(first: Ended, bench: Workbench) -> None:
    page = (bench.home / "runs" / "1" / "report.html").read_text(encoding="utf-8")
    assert page.count("<h2>Gate</h2>") == 1 and "no version is in production yet" in page
    assert "above_baselines.macro_f1" in page and "Metrics and baselines" in page


def test_a_promotion_moves_every_registry_and_the_table_says_who(promoted: Ended, bench: Workbench) -> None:
    assert promoted.code == 0, promoted.said
    assert f"{bench.experiment}, version 1: production in zenml, mlflow" in promoted.out
    assert mlflow(bench)["aliases"] == {"run-1": "1", "production": "1"}
    table = command(bench, "models")
    assert table.code == 0, table.said
    row = next(line for line in table.out.splitlines() if line.startswith("│ 1 "))
    assert row.count("production") == 2 and "5 kept" in row and "@" in row


def test_the_next_model_is_compared_with_the_one_in_production_on_test_ids_that_this_one_was_not_trained_on(
    second: Ended, bench: Workbench
) -> None:
    assert second.code == 0, second.said
    rule = next(rule for rule in bench.record(2)["gate"]["rules"] if rule["rule"] == "not_worse_than_approved")
    assert rule["passed"] and "to version 1, 95 % interval" in rule["reason"]
    fair, larger = len(rows(bench, "predictions")), len(rows(bench, "predictions", run=2))
    assert fair < larger
    assert f"compared on {fair} of {larger} test ids: version 1 was trained on the others" in rule["reason"]


def test_a_model_that_misses_a_rule_is_gated_not_registered_and_the_report_says_by_how_much(
    gated: Ended, bench: Workbench
) -> None:
    assert gated.code == 1
    record = bench.record(3)
    assert record["status"] == "gated" and "registered" not in record
    assert "gated: the gate misses 1 of 5 rules" in gated.err and "resume" not in gated.said
    assert "must be at least" not in gated.err, "the table alone has the rules"
    assert "metrics.macro_f1.min: macro_f1 " in gated.out and "must be at least 1.500: missed by" in gated.out
    page = (bench.home / "runs" / "3" / "report.html").read_text(encoding="utf-8")
    assert "fails 1 of 5 rules" in page and "must be at least 1.500: missed by" in page
    assert not (bench.home / "models" / "3").exists()
    again = command(bench, "resume", "3")
    assert again.code == 2 and "run 3 is gated" in again.err


def test_versions_are_moved_together_rolled_back_together_or_not_at_all(gated: Ended, bench: Workbench) -> None:
    assert command(bench, "promote", "2", "--to", "production").code == 0
    assert mlflow(bench)["aliases"]["production"] == "2"
    back = command(bench, "rollback")
    assert back.code == 0 and "version 1: production again in zenml, mlflow" in back.out, back.said
    assert mlflow(bench)["aliases"] == {"run-1": "1", "run-2": "2", "production": "1"}
    database = bench.folder / "mlflow.db"
    database.rename(bench.folder / "away.db")
    database.mkdir()  # no database can be opened there
    down = command(bench, "promote", "2", "--to", "production")
    assert down.code == 1 and "mlflow" in down.err, down.said
    database.rmdir()
    (bench.folder / "away.db").rename(database)
    assert mlflow(bench)["aliases"]["production"] == "1"
