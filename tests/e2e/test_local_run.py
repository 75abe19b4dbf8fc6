"""A whole small run on the local stack: what it prints, records and stores."""

import hashlib
import json
import os
import re
from ast import literal_eval
from html import unescape
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.e2e.workbench import LABELS, REPOSITORY, Ended, Workbench

ARTIFACTS = {
    "production",
    "labels",
    "checks",
    "manifest",
    "dataset_full",
    "preparation",
    "model",
    "history",
    "metrics",
    "predictions",
    "report",
}
KEYS = {
    "experiment",
    "run_number",
    "status",
    "stack",
    "started",
    "code",
    "data",
    "seconds",
    "metrics",
    "baselines",
    "margins",
    "tuning",
    "labels",
    "checks",
    "artifacts",
    "versions",
    "config",
}
STEPS = ["snapshot", "reconcile", "check_data", "prepare", "train", "evaluate"]
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def state(folder: Path) -> dict[str, tuple[str, int, int]]:
    """Hash, time of change and mode of everything below a folder."""
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.stat().st_mtime_ns,
            path.stat().st_mode,
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def production_before(shared: Workbench) -> dict[str, tuple[str, int, int]]:
    return state(shared.production)


@pytest.fixture(scope="module")
def first(shared: Workbench, production_before: object) -> Ended:
    return shared.run()


@pytest.fixture(scope="module")
def second(shared: Workbench, first: Ended) -> Ended:
    return shared.warm_run()


def test_a_run_ends_well_and_prints_a_table(first: Ended, shared: Workbench) -> None:
    assert first.code == 0, first.said
    assert f"{shared.experiment}, run 1\n" in first.out
    assert "test split" in first.out
    metrics = shared.record(1)["metrics"]
    line = next(line for line in first.out.splitlines() if "this model" in line)
    assert f"{metrics['macro_f1']:.3f}" in line
    assert "the majority label" in first.out
    assert "TF-IDF" in first.out
    for name in ("report.html", "run.json"):
        assert str(shared.home / "runs" / "1" / name) in first.out
    assert "zenml login --local" in first.out


def test_a_run_says_at_once_what_it_does_before_its_steps_begin(first: Ended, shared: Workbench) -> None:
    assert first.err.splitlines()[:4] == [
        f"checking config, functions and sources of {shared.config_file}",
        "trying the functions on a few ids of production",
        "starting ZenML with stack local",
        f"{shared.experiment}, run 1, on stack local",
    ]


def test_the_summary_says_how_long_all_took(first: Ended, shared: Workbench) -> None:
    found = re.search(r"^in all +(?:(\d+) min )?([0-9.]+) s$", first.out, re.MULTILINE)
    assert found
    assert 60 * int(found[1] or 0) + float(found[2]) >= sum(shared.record(1)["seconds"].values())


def test_a_log_holds_plain_lines_with_counts(first: Ended) -> None:
    assert not CONTROL.findall(first.out)
    assert not CONTROL.findall(first.err)
    assert "bring home: 36 of 36 ids in" in first.err
    assert re.search(r"train: (\d+) of \1 steps in", first.err)
    assert "warn" not in first.said.lower()


def test_nothing_is_left_where_the_run_was_started(first: Ended, shared: Workbench) -> None:
    assert list(shared.working_directory().iterdir()) == []


def test_the_record_says_what_came_of_the_run(first: Ended, shared: Workbench) -> None:
    record = shared.record(1)
    assert record.keys() == KEYS
    assert (record["experiment"], record["run_number"]) == (shared.experiment, 1)
    assert (record["status"], record["stack"]) == ("completed", "local")
    assert list(record["seconds"]) == STEPS
    assert all(seconds > 0 for seconds in record["seconds"].values())
    assert {"accuracy", "macro_f1", "weighted_f1"} <= record["metrics"].keys()
    assert record["baselines"].keys() == {"majority", "tfidf"}
    assert record["baselines"]["majority"]["accuracy"] == pytest.approx(1 / 3)
    for name, scores in record["baselines"].items():
        lower, upper = record["margins"][name]["macro_f1"]
        assert lower <= record["metrics"]["macro_f1"] - scores["macro_f1"] <= upper
    assert record["artifacts"].keys() == ARTIFACTS
    assert all(Path(uri).is_dir() for uri in record["artifacts"].values())
    assert record["config"]["train"]["seed"] == 42
    assert record["versions"]["zenml"]


def test_the_model_has_learned(first: Ended, shared: Workbench) -> None:
    record = shared.record(1)
    assert record["metrics"]["macro_f1"] > record["baselines"]["majority"]["macro_f1"]


def test_the_readmes_lines_load_the_runs_model_and_predict(first: Ended, shared: Workbench) -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    file = shared.production / "files" / "id00" / "text.json"
    theirs = {
        "outputs/EXP-3333-license-mentions": str(shared.home),
        "outputs/production/license_mentions/files/mit_10/raw_text.json": str(file),
        "raw_text.json": file.name,
    }
    for name, ours in theirs.items():
        assert code.count(f'"{name}"') == 1
        code = code.replace(f'"{name}"', f'"{ours}"')
    told = shared.python(code)
    assert told.code == 0, told.said
    (probabilities,) = literal_eval(told.out)
    assert max(probabilities, key=probabilities.get) == "apple" and set(probabilities) == set(LABELS)
    assert sum(probabilities.values()) == pytest.approx(1)


def test_the_report_opens_from_disk_and_holds_the_macro_f1(first: Ended, shared: Workbench) -> None:
    page = (shared.home / "runs" / "1" / "report.html").read_text(encoding="utf-8")
    shown = unescape(re.sub(r"<[^>]+>", " ", page))
    assert f"{shared.record(1)['metrics']['macro_f1']:.3f}" in shown
    assert shared.experiment in shown
    outside = re.findall(r"""(?:src|href)=["'](?!data:|#)([^"']+)""", page)
    assert outside == []


def test_report_and_record_hold_what_the_data_checks_found(first: Ended, shared: Workbench) -> None:
    checks = {each["check"]: each for each in shared.record(1)["checks"]}
    outcomes = {name: each["status"] for name, each in checks.items()}
    assert outcomes == {"drift": "not checked", "texts": "passed", "near_duplicates": "passed", "leakage": "passed"}
    assert shared.record(1)["labels"] == {"counts": dict.fromkeys(LABELS, 12), "earlier": None}
    page = (shared.home / "runs" / "1" / "report.html").read_text(encoding="utf-8")
    table = unescape(re.sub(r"<[^>]+>", " ", page.partition("<h2>Data checks</h2>")[2].partition("</table>")[0]))
    for check in checks.values():
        assert check["check"].replace("_", " ") in table and check["told"] in table


def test_there_is_a_prediction_for_each_test_id(first: Ended, shared: Workbench) -> None:
    table = pq.read_table(Path(shared.record(1)["artifacts"]["predictions"], "table.parquet"))
    assert table.column_names == ["guid", "label", "predicted", *(f"probability_{label}" for label in LABELS)]
    rows = table.to_pylist()
    assert len(rows) == len({row["guid"] for row in rows}) == 6
    assert all(sum(row[f"probability_{label}"] for label in LABELS) == pytest.approx(1) for row in rows)


def test_production_is_never_written(second: Ended, shared: Workbench, production_before: object) -> None:
    assert state(shared.production) == production_before


def test_files_are_at_home_with_what_process_func_wrote(first: Ended, shared: Workbench) -> None:
    folders = sorted((shared.home / "data" / "reconciled_artifacts").iterdir())
    assert len(folders) == 36
    assert {tuple(sorted(os.listdir(folder))) for folder in folders} == {("label.json", "text.json")}
    counts = json.loads((shared.home / "data" / "unique_labels_and_counts.json").read_text())
    assert counts == dict.fromkeys(LABELS, 12)


def test_the_same_command_again_takes_all_from_the_cache(second: Ended, shared: Workbench) -> None:
    assert second.code == 0, second.said
    first, record = shared.record(1), shared.record(2)
    assert [name for name, seconds in record["seconds"].items() if seconds] == ["snapshot"]
    assert record["metrics"] == first["metrics"]
    same = {name for name, uri in record["artifacts"].items() if uri == first["artifacts"][name]}
    assert same == ARTIFACTS - {"production", "labels"}
    assert "reconcile cached, check_data cached, prepare cached, train cached, evaluate cached" in second.out
    assert (shared.home / "runs" / "2" / "report.html").exists()


def test_a_completed_run_cannot_be_resumed(second: Ended, shared: Workbench) -> None:
    refused = shared.warm_run("--run-number", "1")
    assert refused.code == 2
    assert "--run-number 1: this run of" in refused.err
    assert "is completed" in refused.err
    assert shared.run_numbers() == [1, 2]


def test_an_unknown_run_number_is_refused(second: Ended, shared: Workbench) -> None:
    refused = shared.warm_run("--run-number", "7")
    assert refused.code == 2
    assert "run 7 of" in refused.err
    assert "(runs: 1, 2)" in refused.err
    assert shared.run_numbers() == [1, 2]


def test_no_cache_runs_every_step_and_gives_the_same(second: Ended, shared: Workbench) -> None:
    again = shared.warm_run("--no-cache")
    assert again.code == 0, again.said
    number = shared.run_numbers()[-1]
    assert all(seconds > 0 for seconds in shared.record(number)["seconds"].values())
    assert shared.record(number)["metrics"] == shared.record(1)["metrics"]
    assert "kept 36 files (same size and hash)" in again.err


DESCRIBE = """
import json, sys
from zenml.client import Client
run = Client().list_pipeline_runs(name="startswith:" + sys.argv[1], sort_by="asc:created", hydrate=True).items[0]
outputs = [(name, found[0]) for step in run.steps.values() for name, found in step.outputs.items()]
print(json.dumps({
    "tags": [tag.name for tag in run.tags],
    "steps": {name: sorted(step.run_metadata) for name, step in run.steps.items()},
    "artifacts": {
        name: [artifact.data_type.attribute, artifact.materializer.attribute, artifact.type.value,
               {key: str(value) for key, value in artifact.run_metadata.items()}]
        for name, artifact in outputs
    },
}))
"""


def test_artifacts_are_typed_and_named_and_carry_metadata(first: Ended, shared: Workbench) -> None:
    asked = shared.python(f"import sys; sys.argv[1:] = [{shared.experiment + '-1-'!r}]\n{DESCRIBE}")
    assert asked.code == 0, asked.said
    found = json.loads(asked.out.splitlines()[-1])
    assert found["tags"] == [shared.experiment]
    assert {name: (of[0], of[1], of[2]) for name, of in found["artifacts"].items()} == {
        "production": ("Snapshot", "TableMaterializer", "DataArtifact"),
        "manifest": ("Manifest", "TableMaterializer", "DataArtifact"),
        "dataset_full": ("DatasetDict", "DatasetMaterializer", "DataArtifact"),
        "preparation": ("dict", "BuiltInContainerMaterializer", "BaseArtifact"),
        "model": ("ModelFolder", "ModelFolderMaterializer", "ModelArtifact"),
        "history": ("list", "BuiltInContainerMaterializer", "BaseArtifact"),
        "metrics": ("dict", "BuiltInContainerMaterializer", "BaseArtifact"),
        "predictions": ("Predictions", "TableMaterializer", "DataArtifact"),
        "report": ("HTMLString", "StructuredStringMaterializer", "DataAnalysisArtifact"),
        "labels": ("dict", "BuiltInContainerMaterializer", "BaseArtifact"),
        "checks": ("list", "BuiltInContainerMaterializer", "BaseArtifact"),
    }
    metadata = {name: of[3] for name, of in found["artifacts"].items()}
    assert metadata["manifest"]["rows"] == "72"
    assert metadata["dataset_full"]["examples"] == "{'train': 24, 'validation': 6, 'test': 6}"
    assert metadata["predictions"]["rows"] == "6"
    assert (metadata["checks"]["texts"], metadata["checks"]["near_duplicates"]) == ("0.0", "0.0")
    assert json.loads(metadata["model"]["labels"].replace("'", '"')) == list(LABELS)
    steps = found["steps"]
    assert all("seconds" in names for names in steps.values())
    assert {"files", "dropped", "labels"} <= set(steps["reconcile"])
    assert {"counts", "rejected"} <= set(steps["prepare"])
    assert {"precision", "examples_per_second"} <= set(steps["train"])
    assert {"metrics", "majority", "tfidf"} <= set(steps["evaluate"])


def test_a_check_that_fails_stops_the_run_before_it_prepares(second: Ended, shared: Workbench) -> None:
    severe = ("--set", "checks.texts={severity: fail, characters: 1000}")
    refused = shared.warm_run(*severe, "--set", "checks.near_duplicates={similarity: 0.5, share: 0.0}")
    assert refused.code == 1, refused.said
    assert "1 data check failed, so nothing is trained:" in refused.err
    assert "failed: texts: 36 texts of 36 with fewer than 1,000 characters" in refused.err
    record = shared.record(shared.run_numbers()[-1])
    assert (record["status"], list(record["seconds"])) == ("failed", ["snapshot", "reconcile", "check_data"])
