"""Tuning as a user does it: a study that is stopped and killed goes on, and its best parameters train the model."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_stop import WAIT
from tests.e2e.workbench import Ended, Workbench

TRIALS = 8
SPACE = {
    "train.learning_rate": {"log_uniform": [0.01, 0.5]},
    "train.schedule": {"choice": ["linear", "cosine"]},
    "train.warmup": {"uniform": [0.0, 0.3], "when": {"train.schedule": "cosine"}},
    "model.width": {"choice": [0, 2, 8, 32]},
}

SLOW = """import time
        time.sleep(0 if Path(__file__).with_name("quick").exists() else 0.1)
        logits = self.head("""


def trials(bench: Workbench) -> list[dict[str, Any]]:
    """The journal, in order."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in bench.home.glob("runs/1/study/*/*/trial.json")]
    return sorted(found, key=lambda trial: trial["number"])


def wait_for_trials(bench: Workbench, ended: int, process: "subprocess.Popen[str]") -> None:
    """Until so many have ended, and two others run and have validated."""
    until = time.monotonic() + WAIT
    while True:
        found = trials(bench)
        running = [trial for trial in found if trial["state"] == "running" and trial["points"]]
        if len(found) >= ended + 2 and len(running) == 2:
            return
        if process.poll() is not None or time.monotonic() > until:
            pytest.fail(f"{found}: {process.communicate()[0]}")
        time.sleep(0.02)


def finished(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [trial for trial in found if trial["state"] != "running"]


@pytest.fixture(scope="module")
def study(shared: Workbench) -> Workbench:
    shared.replace("logits = self.head(", SLOW)
    shared.replace("    return BagOfWords(", "    1 // model['width']  # a width of 0 fails\n    return BagOfWords(")
    shared.config["train"] |= {"epochs": 6, "save_every": 2}
    shared.config["steps"] = {"tune": True}
    shared.config["tune"] = {"space": SPACE, "trials": TRIALS, "parallel": 2, "pruner": "none"}
    shared.config["tune"] |= {"sampler": "random", "seed": 3}  # of which trial 2 has the width that fails
    shared.write_config()
    return shared


@pytest.fixture(scope="module")
def stopped(study: Workbench) -> tuple[list[dict[str, Any]], int, str]:
    """Ctrl-C, after a trial or more: the journal, the exit code, and what was said."""
    process = study.start()
    wait_for_trials(study, 1, process)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=WAIT)[0]
    return trials(study), process.returncode, said


@pytest.fixture(scope="module")
def killed(study: Workbench, stopped: object) -> list[dict[str, Any]]:
    """kill -9 of the run's process group, a few trials later."""
    process = study.start(*study.resume)
    wait_for_trials(study, len(finished(trials(study))) + 1, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return trials(study)


@pytest.fixture(scope="module")
def ended(study: Workbench, killed: object) -> Ended:
    study.functions.with_name("quick").touch()
    return study.warm_run(*study.resume)


def test_ctrl_c_keeps_the_study(stopped: tuple[list[dict[str, Any]], int, str], study: Workbench) -> None:
    found, code, said = stopped
    assert code == 130, said
    assert "tune: stopping; trials save what they did" in said
    assert "Go on with:\n  python run.py resume" in said
    assert "Traceback" not in said
    assert finished(found)
    assert len([trial for trial in found if trial["state"] == "running"]) == 2


def test_a_killed_run_loses_no_finished_trial(
    stopped: tuple[list[dict[str, Any]], int, str], killed: list[dict[str, Any]], ended: Ended, study: Workbench
) -> None:
    assert ended.code == 0, ended.said
    whole = {trial["number"]: trial for trial in trials(study)}
    assert list(whole) == list(range(TRIALS))
    assert finished(list(whole.values())) == list(whole.values())
    assert len(finished(stopped[0])) < len(finished(killed)) < TRIALS
    for trial in (*finished(stopped[0]), *finished(killed)):
        assert whole[trial["number"]] == trial
    for trial in killed:
        assert whole[trial["number"]]["params"] == trial["params"]


def test_trials_that_ran_go_on_from_their_checkpoints(
    stopped: tuple[list[dict[str, Any]], int, str], ended: Ended, study: Workbench
) -> None:
    after = {trial["number"]: trial for trial in trials(study)}
    for trial in stopped[0]:
        points = after[trial["number"]]["points"]
        assert points[: len(trial["points"])] == trial["points"]
    assert not (study.home / "runs" / "1" / "checkpoints").exists()


def test_a_trial_that_fails_is_recorded_and_the_rest_goes_on(ended: Ended, study: Workbench) -> None:
    found = trials(study)
    failed = [trial for trial in found if trial["state"] == "failed"]
    assert failed and {trial["params"]["model.width"] for trial in failed} == {0}
    assert all("get_model raised ZeroDivisionError" in trial["reason"] for trial in failed)
    assert all(trial["state"] == "completed" for trial in found if trial["params"]["model.width"])


def test_the_best_parameters_train_the_model_of_the_same_run(ended: Ended, study: Workbench) -> None:
    record = study.record(1)
    tuning = record["tuning"]
    assert tuning["value"] >= tuning["default"]
    assert tuning["value"] == max(trial["value"] for trial in trials(study) if trial["state"] == "completed")
    assert tuning["completed"] + tuning["failed"] == TRIALS
    facts = next(Path(record["artifacts"]["model"]).rglob("finetune.json"), None)
    model = json.loads(facts.read_text(encoding="utf-8"))["model"]
    assert model["width"] == tuning["best"]["model.width"]
    assert record["metrics"]["macro_f1"] > record["baselines"]["majority"]["macro_f1"]


def test_the_summary_and_the_report_tell_of_the_study(ended: Ended, study: Workbench) -> None:
    tuning = study.record(1)["tuning"]
    assert f"{tuning['completed']} completed, 0 stopped early, {tuning['failed']} failed" in ended.out
    assert f"best       trial {tuning['trial']}: macro_f1 " in ended.out
    page = (study.home / "runs" / "1" / "tuning.html").read_text(encoding="utf-8")
    for title in ("History", "Importance of the parameters", "Parallel coordinates", "Trials"):
        assert f"<h2>{title}</h2>" in page
    assert "ZeroDivisionError" in page
    assert str(study.home / "runs" / "1" / "tuning.html") in ended.out


def test_a_study_alone_comes_from_the_cache_and_ends_with_its_report(ended: Ended, study: Workbench) -> None:
    alone = study.warm_run("--set", "steps.train=false")
    assert alone.code == 0, alone.said
    record = study.record(2)
    assert record["metrics"] == {} and record["tuning"] == study.record(1)["tuning"]
    assert list(record["seconds"]) == ["snapshot", "reconcile", "check_data", "prepare", "tune"]
    assert record["seconds"]["tune"] == 0
    assert "test split" not in alone.out and "best       trial" in alone.out
    assert (study.home / "runs" / "2" / "tuning.html").is_file()


def test_an_objective_that_compute_metrics_does_not_return_is_refused_before_a_run(
    study: Workbench, ended: Ended
) -> None:
    refused = study.warm_run("--set", "tune.objective=macro_f2")
    assert refused.code == 2
    assert "tune.objective: must be loss or a metric that compute_metrics returns (accuracy, " in refused.err
    assert "but got 'macro_f2'" in refused.err
    assert study.run_numbers() == [1, 2]
