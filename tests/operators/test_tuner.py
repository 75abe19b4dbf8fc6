"""A tuning job with real training jobs on a rehearsal: found again after a kill, stopped with its run, gone on with."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, DatasetDict

from finetune.config.compute import MachinesConfig
from finetune.config.train import TrainConfig
from finetune.config.tune import TuneConfig
from finetune.errors import TuneError
from finetune.storage.publish import publish
from finetune.tuning.journal import Record, State
from finetune.tuning.signals import StudyStopped
from finetune.tuning.training_job import Searched
from finetune.tuning.tune import tuned_by
from operators.request import AccountSettings
from operators.stop import RUN_TAG, stop_run
from operators.tuner import search
from operators.tuning_request import Wanted
from tests.finetune.s3_server import environment
from tests.operators.conftest import IMAGE, SETTINGS, Bench

GRID = {"sampler": "grid", "trials": 2, "parallel": 2, "space": {"model.rank": {"choice": [0, 7]}}}
"""At 0 the model fails, at 7 it does not."""
ONE = {
    "trials": 1,
    "space": {"train.learning_rate": {"log_uniform": [1e-3, 0.1]}, "train.warmup": {"uniform": [0, 0.1]}},
}
FACTS = {"experiment": "EXP-7-words", "run_number": 1, "stack": "sagemaker", "started": "2026-11-20T10:00:00+00:00"}
TRAIN = TrainConfig.model_validate(SETTINGS)
RUN = "EXP-7-words-1-now"


def rows(count: int) -> Dataset:
    words = [[(number * 7) % 10 + 10 * (number % 2)] for number in range(count)]
    guids = [str(number) for number in range(count)]
    return Dataset.from_dict({"guid": guids, "words": words, "labels": [n % 2 for n in range(count)]})


@pytest.fixture(scope="module")
def study(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Wanted]:
    """Makes a study whose training jobs wait in each step."""

    def make(name: str, tune: dict[str, Any], *, wait_s: float) -> Wanted:
        settings = TuneConfig.model_validate({"objective": "accuracy", **tune})
        folder: Path = tmp_path_factory.mktemp(name)
        Searched(
            functions="pair",
            labels=["low", "high"],
            model={"seconds": wait_s, "how": "raise", "rank": 7},
            train=TRAIN.model_dump(mode="json"),
            space={key: each.model_dump(mode="json") for key, each in settings.space.items()},
            objective="accuracy",
        ).write(folder, DatasetDict(train=rows(32), validation=rows(16), test=rows(2)))
        place = f"{bench.output}/{name}"
        with environment(**bench.rehearsal.environment):
            publish(folder, f"{place}/input")
        return Wanted(
            name=name,
            image=IMAGE,
            machines=MachinesConfig.model_validate(
                {"instance_type": "ml.m5.large", "environment": {"OMP_NUM_THREADS": "1"}}
            ),
            account=AccountSettings(role=bench.rehearsal.settings.role_arn, output=bench.output),
            place=place,
            settings=settings,
            lower_is_better=False,
            tags={RUN_TAG: RUN},
        )

    return make


def searched(bench: Bench, wanted: Wanted) -> list[Record]:
    bench.said.clear()
    return search(bench.client, wanted, bench.said.append, poll_s=0.2)


def begin_in_a_process(bench: Bench, wanted: Wanted) -> multiprocessing.process.BaseProcess:
    """Gives a process that waits for the tuning job, which has begun."""

    def work() -> None:
        search(bench.rehearsal.client, wanted, print, poll_s=0.2)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    while not jobs_of(bench, wanted):
        assert process.is_alive()
        time.sleep(0.1)
    return process


def jobs_of(bench: Bench, wanted: Wanted) -> list[str]:
    found = bench.sagemaker.list_hyper_parameter_tuning_jobs(NameContains=wanted.name)
    return [job["HyperParameterTuningJobName"] for job in found["HyperParameterTuningJobSummaries"]]


def test_who_waits_is_killed_and_the_next_one_finds_the_same_tuning_job(
    bench: Bench, study: Callable[..., Wanted]
) -> None:
    wanted = study("EXP-7-1-a", GRID, wait_s=0.1)
    process = begin_in_a_process(bench, wanted)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    records = searched(bench, wanted)
    assert bench.said[0] == "tune: goes on with tuning job EXP-7-1-a-1" and jobs_of(bench, wanted) == ["EXP-7-1-a-1"]
    failed, completed = sorted(records, key=lambda record: int(record.params["model.rank"]))
    assert {failed.number, completed.number} == {1, 2}
    assert failed.state is State.FAILED and "the model fell over" in str(failed.reason)
    assert completed.state is State.COMPLETED and completed.params == {"model.rank": 7} and completed.seconds > 0

    assert searched(bench, wanted) == records and jobs_of(bench, wanted) == ["EXP-7-1-a-1"]  # nothing runs again
    result = tuned_by(records, FACTS, {}, TRAIN, wanted.settings)
    assert (result.result.trial, result.result.default, result.result.failed) == (completed.number, None, 1)
    assert "the model fell over" in result.page and "Trial 0" not in result.page
    found = bench.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="EXP-7-1-a-1")
    assert found["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == result.result.value
    with pytest.raises(TuneError, match="none of 1 trials was completed, 1 failed; trial .*the model fell over"):
        tuned_by([failed], FACTS, {}, TRAIN, wanted.settings)


def test_a_stopped_run_stops_its_tuning_job_and_a_resumed_one_tries_what_is_left(
    bench: Bench, study: Callable[..., Wanted]
) -> None:
    wanted = study("EXP-7-1-b", ONE, wait_s=30)
    process = begin_in_a_process(bench, wanted)
    stopped = stop_run(bench.client, None, RUN, datetime.now(UTC), lambda: [], print, poll_s=0.2)
    assert stopped == ["tuning job EXP-7-1-b-1 with its training jobs"]
    process.join()
    (job,) = bench.sagemaker.list_hyper_parameter_tuning_jobs(NameContains="EXP-7-1-b")[
        "HyperParameterTuningJobSummaries"
    ]
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert not job["TrainingJobStatusCounters"]["InProgress"]

    study("EXP-7-1-b", ONE, wait_s=0)  # the same place: now it goes quickly
    records = searched(bench, wanted)
    assert jobs_of(bench, wanted) == ["EXP-7-1-b-1", "EXP-7-1-b-2"]
    assert [(record.number, record.state) for record in records] == [(1, State.PRUNED), (2, State.COMPLETED)]
    assert records[0].reason == "its tuning job was stopped" and records[0].params != records[1].params
    assert 1e-3 <= records[1].params["train.learning_rate"] <= 0.1


def test_sigterm_stops_the_tuning_job(bench: Bench, study: Callable[..., Wanted]) -> None:
    wanted = study("EXP-7-1-c", ONE, wait_s=30)

    def hear(line: str) -> None:
        if line.startswith("tune: trial 1"):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(StudyStopped):
        search(bench.client, wanted, hear, poll_s=0.2)
    described = bench.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="EXP-7-1-c-1")
    assert described["HyperParameterTuningJobStatus"] in ("Stopping", "Stopped")
