"""Several models in one experiment: who shares a dataset, what a failure stops, and what a resumed run does again."""

import json
from pathlib import Path

import pytest

from tests.e2e.workbench import Ended, Workbench

FAILS = "the licence server is away"
LOAD = """
import json
from finetune.errors import EvaluateError
from finetune.evaluation.predict import load_run
instance = {{"text.json": {file!r}}}
found = [len(load_run({home!r}, 1, name).predict([instance])[0]) for name in ("wide", "needy", "turned")]
try:
    load_run({home!r}, 1)
except EvaluateError as error:
    print(error)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def three(shared: Workbench) -> Workbench:
    """Two models that encode alike, one of which fails in training until a file is there, and one that does not."""
    shared.replace("    ids = word_ids(", '    turned = model.get("turned")\n    ids = word_ids(')
    shared.replace("    example: dict", "    ids = ids[::-1] if turned else ids\n    example: dict")
    shared.replace('(model["width"], len(labels))', '(model["width"], len(labels), model.get("needs"))')
    shared.replace("width: int, num_labels: int)", "width: int, num_labels: int, needs: str | None = None)")
    shared.replace("        super().__init__()\n", "        super().__init__()\n        self.needs = needs\n")
    shared.replace(
        "        logits = self.head",
        "        tried = len(input_ids) < 5  # what run.py tries the functions on before it begins\n"
        "        if self.needs and not tried and not Path(self.needs).exists():\n"
        f"            raise RuntimeError({FAILS!r})\n"
        "        logits = self.head",
    )
    source = shared.functions.read_text(encoding="utf-8")
    own = source.index("def compute_metrics")  # without it scores are those of the library, and quickly drawn
    shared.functions.write_text(source[:own].rstrip() + "\n", encoding="utf-8")
    del shared.config["model"]
    shared.config["models"] = {
        "wide": {"width": 16},
        "needy": {"width": 8, "needs": str(licence(shared))},
        "turned": {"width": 8, "turned": True, "train": {"learning_rate": 0.1, "epochs": 2}},
    }
    shared.config["steps"] = {"register": True}
    shared.config["register"] = {"gate": {"metrics": {"macro_f1": {"min": 0.01}}}}
    shared.write_config()
    return shared


def licence(bench: Workbench) -> Path:
    return bench.folder / "licence"


@pytest.fixture(scope="module")
def checked(three: Workbench) -> Ended:
    return three.warm_run("--check")


@pytest.fixture(scope="module")
def failed(three: Workbench, checked: Ended) -> Ended:
    return three.warm_run()


@pytest.fixture(scope="module")
def first_record(three: Workbench, failed: Ended) -> dict[str, object]:
    return three.record(1)


@pytest.fixture(scope="module")
def first_page(three: Workbench, failed: Ended) -> str:
    return (three.home / "runs" / "1" / "comparison.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def resumed(three: Workbench, first_record: object, first_page: object) -> Ended:
    licence(three).touch()
    return three.warm_run(*three.resume)


def test_a_check_says_which_models_share_a_dataset(checked: Ended) -> None:
    assert checked.code == 0, checked.said
    assert "wide, needy: the same dataset\nturned: one dataset\n" in checked.out


def test_a_run_of_which_a_model_fails_exits_1_and_names_it_its_error_and_how_to_go_on(
    failed: Ended, three: Workbench
) -> None:
    assert failed.code == 1
    assert "error: 1 of 3 models failed" in failed.err
    assert f"models.needy: train: {three.functions}:" in failed.err and FAILS in failed.err
    assert f"python run.py resume {three.experiment} 1" in failed.err


def test_the_other_models_are_trained_evaluated_and_compared(failed: Ended, first_record: dict) -> None:
    assert first_record["status"] == "failed" and "registered" not in first_record
    models = first_record["models"]
    assert models.keys() == {"wide", "turned", "needy"}
    assert "macro_f1" in models["wide"]["metrics"] and len(models["wide"]["intervals"]["macro_f1"]) == 2
    assert FAILS in models["needy"]["failure"]
    assert first_record["baselines"].keys() == {"majority", "tfidf"}
    for shown in ("wide", "turned", "needy", "failed", "the majority label", "comparison.html"):
        assert shown in failed.out


def test_the_report_shows_all_models_with_the_error_of_the_failed_one(first_page: str) -> None:
    assert "1 of 3 models failed" in first_page and FAILS in first_page
    for shown in ("wide", "turned", "needy", "TF-IDF", "kappa", "McNemar", "none: this machine", "word"):
        assert shown in first_page


def test_resume_runs_the_failed_model_alone(resumed: Ended, three: Workbench) -> None:
    assert resumed.code == 0, resumed.said
    record = three.record(1)
    assert record["status"] == "completed"
    done = {step for step, seconds in record["seconds"].items() if seconds}
    assert done == {"snapshot", "train_needy", "evaluate_needy", "compare", "conclude", "gate", "register"}
    assert all("metrics" in model for model in record["models"].values())
    assert not (three.home / "runs" / "1" / "checkpoints").exists()


def test_the_record_indexes_the_artifacts_of_every_model(resumed: Ended, three: Workbench) -> None:
    artifacts = three.record(1)["artifacts"]
    shared = {"production", "labels", "manifest", "checks", "comparison", "comparison_report"}
    shared |= {"gate", "gated_report", "registered"}
    prepared = {f"{name}_{model}" for name in ("dataset_full", "preparation") for model in ("wide", "turned")}
    own = ("model", "history", "metrics", "predictions", "report")
    assert artifacts.keys() == shared | prepared | {
        f"{name}_{model}" for name in own for model in three.config["models"]
    }
    assert len(set(artifacts.values())) == len(artifacts)
    pages = {path.name for path in (three.home / "runs" / "1").glob("*.html")}
    assert pages == {"comparison.html", "report_wide.html", "report_needy.html", "report_turned.html"}


def test_the_best_model_is_judged_and_registered_and_the_comparison_says_so(resumed: Ended, three: Workbench) -> None:
    record = three.record(1)
    scores = {name: each["metrics"]["macro_f1"] for name, each in record["models"].items()}
    best = record["gate"]["model"]
    assert scores[best] == max(scores.values()) and record["gate"]["passed"]
    assert record["registered"] == {"zenml": f"{three.experiment}:run-1"}
    facts = json.loads((three.home / "models" / "1" / "model.json").read_text(encoding="utf-8"))
    assert facts["model"] == best and facts["artifacts"]["model"] == record["artifacts"][f"model_{best}"]
    page = (three.home / "runs" / "1" / "comparison.html").read_text(encoding="utf-8")
    assert f"The model {best} passes every rule" in page and "How often they agree" in page


def test_each_report_tells_its_own_models_steps(resumed: Ended, three: Workbench) -> None:
    page = (three.home / "runs" / "1" / "report_turned.html").read_text(encoding="utf-8")
    assert "train_turned" in page and "train_wide" not in page
    assert "model <strong>turned</strong>" in page
    assert "learning_rate: 0.1" in page


def test_each_model_can_be_loaded_by_its_name(resumed: Ended, three: Workbench) -> None:
    file = str(three.production / "files" / "id00" / "text.json")
    ran = three.python(LOAD.format(home=str(three.home), file=file))
    assert json.loads(ran.out.splitlines()[-1]) == [3, 3, 3], ran.said
    assert "run 1: the model must be one of" in ran.out


def test_a_model_that_breaks_the_contract_is_named_before_the_run(resumed: Ended, three: Workbench) -> None:
    ended = three.warm_run("--set", "models.narrow.width=none")
    assert ended.code == 2
    assert "models.narrow: " in ended.err
    assert three.run_numbers() == [1]
