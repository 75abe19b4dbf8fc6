"""Which steps run after which change. snapshot always runs, because only it sees what changed in production."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.e2e.workbench import Workbench

Change = Callable[[Workbench], None]


def code(old: str, new: str, file: str = "functions.py") -> Change:
    return lambda bench: bench.replace(old, new, file)


def key(section: str, name: str, value: object) -> Change:
    def change(bench: Workbench) -> None:
        bench.config.setdefault(section, {})[name] = value
        bench.write_config()

    return change


def query(text: str) -> Change:
    def change(bench: Workbench) -> None:
        bench.config["production"]["labels"]["query"] = text
        bench.write_config()

    return change


def database(statement: str) -> Change:
    return lambda bench: bench.database(statement)


def new_file(path: str) -> Change:
    def change(bench: Workbench) -> None:
        target = bench.production / "files" / path
        target.parent.mkdir(exist_ok=True)
        target.write_text('{"text": "apple alone"}', encoding="utf-8")

    return change


def one_byte(bench: Workbench) -> None:
    """Same size, and the time of change is set back, as a careless tool does."""
    path = bench.production / "files" / "id00" / "text.json"
    before = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace("number0", "number8"), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def nothing(bench: Workbench) -> None:
    """A new run number alone."""


RECONCILE, CHECK, PREPARE, TRAIN, EVALUATE = STEPS = ("reconcile", "check_data", "prepare", "train", "evaluate")

# What changes, the steps that run, and why. Each change comes on top of those above it.
TABLE: dict[str, tuple[Change, tuple[str, ...], str]] = {
    "a new run number": (nothing, (), "the run number is in no key"),
    "a comment in functions.py": (code("import json\n", "import json  # said\n"), (), "nothing runs differently"),
    "a helper that nobody imports": (code('"nothing"', '"much"', "aside.py"), (), "no step reaches it"),
    "a query with the same rows": (
        query("SELECT guid, label FROM rules WHERE 1 = 1"),
        (),
        "the snapshot holds the rows, not the query",
    ),
    "a file that is not called for": (new_file("id00/notes.txt"), (), "files_from_production does not name it"),
    "process_func, same files": (
        code('row["label"]}', 'str(row["label"])}'),
        (RECONCILE,),
        "it writes equal files, so the manifest is equal",
    ),
    "process_func, other files": (
        code('str(row["label"])}', 'row["label"], "by": "hand"}'),
        (RECONCILE, CHECK, PREPARE, EVALUATE),
        "the manifest differs; encode_data makes equal examples of it, and the report counts from it",
    ),
    "get_dataset_features": (
        code('"labels": Value("int64")', '"labels": Value(dtype="int64")'),
        (PREPARE,),
        "equal features give an equal dataset",
    ),
    "encode_data, same examples": (code("if not ids", "if len(ids) == 0"), (PREPARE,), "the dataset is equal"),
    "encode_data, other examples": (
        code('{"input_ids": ids}', '{"input_ids": ids + ids[:1]}'),
        (PREPARE, TRAIN, EVALUATE),
        "the dataset differs",
    ),
    "the helper of encode_data": (
        code("% 511", "% 509", "words.py"),
        (PREPARE, TRAIN, EVALUATE),
        "encode_data calls it, so the dataset differs",
    ),
    "get_model": (
        code('model["width"]', 'int(model["width"])'),
        (TRAIN, EVALUATE),
        "both build the model with it",
    ),
    "the class that get_model uses": (code(".sum(dim=1) / words", ".sum(dim=1)"), (TRAIN, EVALUATE), "as get_model"),
    "compute_metrics": (
        code(
            "return default_metrics(predictions, references, labels)",
            "return {**default_metrics(predictions, references, labels)}",
        ),
        (TRAIN, EVALUATE),
        "train picks the best checkpoint with it",
    ),
    "a key of reconcile": (key("reconcile", "workers", 3), (RECONCILE,), "the manifest is equal"),
    "a key of prepare, same examples": (key("prepare", "batch_size", 7), (PREPARE,), "the dataset is equal"),
    "a key of prepare, other examples": (
        key("prepare", "split", {"validation": 0.2, "test": 0.2, "seed": 7}),
        (CHECK, PREPARE, TRAIN, EVALUATE),
        "the dataset differs, and with it the split that is checked",
    ),
    "a key of model": (
        key("model", "width", 12),
        (PREPARE, TRAIN, EVALUATE),
        "encode_data and get_model get the section; the new model is evaluated",
    ),
    "a key of train": (key("train", "seed", 7), (TRAIN, EVALUATE), "the model differs"),
    "a key of evaluate": (key("evaluate", "mistakes", 3), (EVALUATE,), "it is the last step"),
    "a threshold of checks": (key("checks", "sample", 200), (CHECK,), "the same is found"),
    "another threshold of checks": (
        key("checks", "texts", {"share": 0.5}),
        (CHECK, EVALUATE),
        "the report shows the threshold",
    ),
    "an id without a label": (
        new_file("id99/text.json"),
        (RECONCILE, CHECK, PREPARE, EVALUATE),
        "the manifest names it as dropped; the examples are equal; the report lists what was dropped",
    ),
    "one byte of a file": (one_byte, STEPS, "the file's hash is in the manifest, its words in the dataset"),
    "a label": (
        database("UPDATE rules SET label = 'plum' WHERE guid = 'id00'"),
        STEPS,
        "the label is in the manifest and in the dataset",
    ),
    "a query with fewer rows": (query("SELECT guid, label FROM rules WHERE guid <> 'id01'"), STEPS, "as a label"),
}


@pytest.fixture(scope="module")
def before(shared: Workbench) -> Workbench:
    ran = shared.warm_run()
    assert ran.code == 0, ran.said
    return shared


@pytest.mark.parametrize(("change", "expected", "reason"), TABLE.values(), ids=TABLE.keys())
def test_exactly_the_steps_that_depend_on_a_change_run(
    change: Change, expected: tuple[str, ...], reason: str, before: Workbench
) -> None:
    change(before)
    ran = before.warm_run()
    assert ran.code == 0, ran.said
    seconds = before.record(before.run_numbers()[-1])["seconds"]
    assert tuple(step for step in STEPS if seconds[step]) == expected, reason


def labels_in_dataset(bench: Workbench, number: int) -> dict[str, str]:
    from datasets import load_from_disk

    splits = load_from_disk(bench.record(number)["artifacts"]["dataset_full"])
    names = ("apple", "pear", "plum")
    return {row["guid"]: names[row["labels"]] for part in splits.values() for row in part}


def test_a_change_that_is_taken_back_leaves_nothing_of_it_at_home(bench: Workbench) -> None:
    """The manifest of the first run fits again, but the files at home were written by the second."""
    assert bench.warm_run().code == 0
    bench.database("UPDATE rules SET label = 'plum' WHERE guid = 'id00'")
    assert bench.warm_run().code == 0
    bench.database("UPDATE rules SET label = 'apple' WHERE guid = 'id00'")
    again = bench.warm_run("--set", "prepare.batch_size=5")
    assert again.code == 0, again.said
    assert [labels_in_dataset(bench, number)["id00"] for number in (1, 2, 3)] == ["apple", "plum", "apple"]
    manifest = pq.read_table(Path(bench.record(3)["artifacts"]["manifest"], "table.parquet")).to_pylist()
    assert {row["label"] for row in manifest if row["guid"] == "id00"} == {"apple"}


def test_an_artifact_that_was_deleted_is_told_and_made_anew(bench: Workbench) -> None:
    assert bench.warm_run().code == 0
    shutil.rmtree(bench.record(1)["artifacts"]["model"])
    again = bench.warm_run()
    assert again.code == 1
    assert "error: model (" in again.said and "make it anew with --no-cache" in again.said
    assert bench.record(2)["status"] == "failed"
    assert bench.warm_run("--no-cache").code == 0


def test_a_copy_that_was_edited_at_home_is_refused_and_the_resumed_run_brings_it_back(bench: Workbench) -> None:
    """The text is read by evaluate alone, for the baseline: whatever it said would be compared with the model."""
    assert bench.warm_run().code == 0
    copy = bench.home / "data" / "reconciled_artifacts" / "id00" / "text.json"
    before = copy.read_bytes()
    copy.write_bytes(b'{"text": "plum plum plum"}')
    refused = bench.warm_run("--set", "train.epochs=2")
    assert refused.code == 1
    assert "changed after reconcile had checked them: id00/text.json; copies are not for editing" in refused.said
    again = bench.warm_run("resume", bench.experiment, "2", "--root", str(bench.home.parent))
    assert again.code == 0, again.said
    assert copy.read_bytes() == before
    seconds = bench.record(2)["seconds"]
    assert [step for step in STEPS if seconds[step]] == [RECONCILE, EVALUATE]
