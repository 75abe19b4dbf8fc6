"""Bad input ends with a clear message and an exit code, and loses nothing: production, home and run numbers stay."""

import shlex
from collections.abc import Callable

import pytest

from tests.e2e.workbench import Workbench

Break = Callable[[Workbench], None]


def text(content: str) -> Break:
    return lambda bench: bench.config_file.write_text(content, encoding="utf-8") and None


def key(path: str, value: object) -> Break:
    """Sets a dotted key of the config."""

    def change(bench: Workbench) -> None:
        *sections, name = path.split(".")
        place = bench.config
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
        bench.write_config()

    return change


def code(old: str, new: str) -> Break:
    return lambda bench: bench.replace(old, new)


def no_config(bench: Workbench) -> None:
    bench.config_file.unlink()


def no_text_files(bench: Workbench) -> None:
    for path in (bench.production / "files").rglob("text.json"):
        path.rename(path.with_name("other.json"))


def not_json(bench: Workbench) -> None:
    for path in (bench.production / "files").rglob("text.json"):
        path.write_text(f"no JSON in {path.parent.name}", encoding="utf-8")


QUERY = "production.labels.query"
URL = "production.labels.url"

# What is broken, options, exit code, and what the message must hold. All are refused before a run number is claimed.
REFUSED: dict[str, tuple[Break, list[str], int, list[str]]] = {
    "a missing config": (no_config, [], 2, ["config.yaml", "does not exist"]),
    "an unreadable config": (text("experiment: [\n"), [], 2, ["config.yaml:"]),
    "an unknown key": (key("train.epoch", 1), [], 2, ["train.epoch", "did you mean epochs?", "config.yaml:"]),
    "a wrong type": (key("train.epochs", "many"), [], 2, ["train.epochs", "'many'"]),
    "a --set without a value": (text(""), ["--set", "train.epochs"], 2, ["must not be empty"]),
    "a --set of no form": (key("root", "outputs"), ["--set", "epochs"], 2, ["--set epochs", "KEY=VALUE"]),
    "a --set of an unknown key": (key("root", "outputs"), ["--set", "a.b=1"], 2, ["a: unknown key", "--set a.b"]),
    "a missing function": (
        code("def get_model(", "def get_modle("),
        [],
        2,
        ["get_model: is missing", "get_modle looks like it", "def get_model(model, labels):"],
    ),
    "a wrong signature": (
        code("def get_dataset_features(num_labels: int)", "def get_dataset_features(count: int)"),
        [],
        2,
        ["get_dataset_features", "parameters must be (num_labels)", "(count)"],
    ),
    "a function that is only pass": (
        code("    return BagOfWords(", "    pass\n\n\ndef build(model, labels):\n    return BagOfWords("),
        [],
        2,
        ["get_model: must have a body"],
    ),
    "unknown functions": (key("functions", "tinny"), [], 2, ["did you mean tiny?"]),
    "an unreachable database": (
        key(URL, "mysql+pymysql://reader@127.0.0.1:1/rules"),
        [],
        2,
        ["production.labels", "127.0.0.1"],
    ),
    "a missing database": (key(URL, "sqlite:////nowhere/labels.db"), [], 2, [URL, "/nowhere/labels.db"]),
    "a query without label": (key(QUERY, "SELECT guid FROM rules"), [], 2, [QUERY, "label is missing"]),
    "a query that is wrong": (key(QUERY, "SELEKT"), [], 2, ["production.labels", "syntax error"]),
    "no files": (no_text_files, [], 2, ["text.json", "production"]),
    "files that are not JSON": (not_json, [], 2, ["encode_data raised", "id id", "text.json"]),
    "features that do not match": (
        code('{"input_ids": ids}', '{"ids": ids}'),
        [],
        2,
        ["encode_data", "missing: input_ids", "not among them: ids", "for ids, did you mean input_ids?"],
    ),
    "a typo in the model section": (
        lambda bench: bench.config.update(model={"widht": 8}) or bench.write_config(),
        [],
        2,
        [
            "experiments/tiny/functions.py:37: get_model raised KeyError: 'width'",
            "the config's section model: has no key width; did you mean widht?",
        ],
    ),
    "a loss that is NaN at once": (
        code('return {"loss": loss, ', 'return {"loss": None if loss is None else loss * float("nan"), '),
        [],
        2,
        ["the model's loss must be a finite number, but on a few examples it is nan"],
    ),
    "a forward without loss": (code('{"loss": loss, "logits"', '{"logits"'), [], 2, ["loss and logits"]),
    "ignored labels that leave one": (
        key("prepare.ignored_labels", ["apple", "pear"]),
        ["--check"],
        2,
        ["at least 2 labels must remain, but got 1", "'apple' is in prepare.ignored_labels"],
    ),
    "a threshold that leaves no label": (
        key("prepare.num_labels_threshold", 13),
        [],
        2,
        ["at least 2 labels must remain, but got 0", "below prepare.num_labels_threshold 13 (12 ids)"],
    ),
    "a split column that is not there": (key("prepare.split.by", "client"), [], 2, ["prepare.split.by", "'client'"]),
    "a baseline without its file": (key("evaluate.baseline_text", "tekst.json"), [], 2, ["baseline_text", "text.json"]),
    "an unknown stack": (key("root", "outputs"), ["--stack", "lokal"], 2, ["--stack lokal", "local"]),
    "an unknown run number": (key("model.width", 9), ["--run-number", "4"], 2, ["run 4 of", "does not exist"]),
}


@pytest.mark.parametrize(("broken", "options", "exit_code", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_it_is_refused_before_a_run_begins(
    broken: Break, options: list[str], exit_code: int, words: list[str], bench: Workbench
) -> None:
    broken(bench)
    ended = bench.warm_run(*options)
    assert ended.code == exit_code, ended.said
    assert ended.err.startswith("checking config, functions and sources of ")
    assert ended.err.count("\nerror: ") == 1
    assert "Traceback" not in ended.said
    for word in words:
        assert word in ended.err
    assert ended.out == ""
    assert not bench.home.exists()


# Found only by a step: the run has a number, says what to do, and can be resumed.
FAILED: dict[str, tuple[Break, list[str]]] = {
    "a label with too few ids": (
        lambda bench: bench.database("UPDATE rules SET label = 'fig' WHERE guid IN ('id00', 'id03')"),
        ["fig", "3"],
    ),
    "an unsafe guid": (
        lambda bench: bench.database("UPDATE rules SET guid = '../id05' WHERE guid = 'id05'"),
        ["'../id05' must not hold a slash", "nothing was copied"],
    ),
    "one file that is not JSON": (
        lambda bench: (bench.production / "files" / "id17" / "text.json").write_text("no JSON") and None,
        ["encode_data raised JSONDecodeError", "id id17", "text.json"],
    ),
    "a loss that is NaN in training": (
        code(
            'return {"loss": loss, "logits": logits}',
            "few = len(input_ids) < 5  # what it is tried on\n"
            "        odd = loss is not None and not few\n"
            '        return {"loss": loss * float("nan") if odd else loss, "logits": logits}',
        ),
        ["loss is nan", "train.learning_rate"],
    ),
}


@pytest.mark.parametrize(("broken", "words"), FAILED.values(), ids=FAILED.keys())
def test_a_step_that_fails_says_why(broken: Break, words: list[str], bench: Workbench) -> None:
    broken(bench)
    ended = bench.warm_run()
    assert ended.code in (1, 2), ended.said
    assert "Traceback" not in ended.said
    assert ended.err.count("error: ") == 1
    for word in words:
        assert word in ended.err
    if ended.code == 1:
        record = bench.record(1)
        assert record["status"] == "failed" and record["error"] in ended.err and words[0] in record["error"]
        assert f"python run.py {shlex.join(bench.resume)}\n" in ended.err
    outside = [path for path in bench.home.parent.iterdir() if path != bench.home]
    assert outside == []


def test_a_resume_with_another_config_names_the_keys(bench: Workbench) -> None:
    bench.database("UPDATE rules SET guid = '../id05' WHERE guid = 'id05'")
    assert bench.warm_run().code == 1
    refused = bench.warm_run("--run-number", "1", "--set", "train.seed=5", "--set", "model.width=3")
    assert refused.code == 2
    assert "model.width" in refused.err
    assert "train.seed" in refused.err
    bench.database("UPDATE rules SET guid = 'id05' WHERE guid = '../id05'")
    assert bench.warm_run("--run-number", "1").code == 0
    assert bench.record(1)["status"] == "completed"


def test_an_outcome_that_finds_the_disk_full_is_told_and_recorded_later(bench: Workbench) -> None:
    scratch = bench.home / "runs" / "1" / ".run.json.part"
    flag = bench.folder / "fill"
    flag.touch()
    fill = f"""if Path({str(flag)!r}).exists() and Path({str(scratch.parent)!r}).exists():
        Path({str(flag)!r}).unlink()
        Path({str(scratch)!r}).symlink_to("/dev/full")"""
    bench.replace('"""The project\'s metrics."""', fill)
    full = bench.warm_run()
    assert full.code == 1, full.said
    assert "error: the run is completed, but its outcome is not recorded: " in full.err
    assert "No space left on device; make room" in full.err
    assert "Traceback" not in full.said
    assert f"python run.py {shlex.join(bench.resume)}\n" in full.err

    scratch.unlink()
    again = bench.warm_run("--run-number", "1")
    assert again.code == 0, again.said
    assert bench.record(1)["status"] == "completed"
    assert bench.record(1)["seconds"]["train"] == 0


def test_two_runs_at_the_same_time_both_succeed(bench: Workbench) -> None:
    processes = [bench.start(), bench.start()]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], "\n".join(said)
    assert bench.run_numbers() == [1, 2]
    first, second = bench.record(1), bench.record(2)
    assert first["status"] == second["status"] == "completed"
    assert first["metrics"] == second["metrics"]


def test_check_starts_nothing(bench: Workbench) -> None:
    checked = bench.warm_run("--check")
    assert checked.code == 0, checked.said
    assert bench.warm_run("--check", "--stack", "lokal").code == 2
    assert "good" in checked.out
    assert not bench.home.exists()
