"""A study on a rehearsal of SageMaker: each trial is a training job of its own, started by a dynamic pipeline."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from rehearsal import Rehearsal
from rehearsal.fixture import skip_where_refused
from tests.e2e.aws import Aws, Running, on_aws
from tests.e2e.workbench import UNCHECKED, Workbench
from tests.rehearsal.zenml.test_pipeline import check_calls

EXPERIMENT = "EXP-9-tuned-on-machines"
LONG, GOOD, BAD = 1_000, 0.2, 1e-9
# Trial 0 is the config as it stands; 1 learns nothing, 2 learns as 0 does and has no end, 3 neither learns nor ends.
SPACE = {"train.epochs": {"choice": [3, LONG]}, "train.learning_rate": {"choice": [GOOD, BAD]}}
HOURS = 0.025
SLOW = "import time\n        time.sleep(0.1)\n        logits = self.head("


@dataclass(frozen=True)
class Ran:
    """One run after its end: what it said, its record, the trials of its study and their training jobs."""

    said: str
    record: dict[str, Any]
    trials: list[dict[str, Any]]
    jobs: list[dict[str, Any]]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    skip_where_refused()
    folder = tmp_path_factory.mktemp("tuning")
    bench = Workbench.make(folder, folder / "zenml", EXPERIMENT)
    bench.replace("logits = self.head(", SLOW)
    bench.config["train"] |= {"learning_rate": GOOD, "schedule": "constant"}
    bench.config["steps"] = {"tune": True, "train": False}
    bench.config["tune"] = {"space": SPACE, "sampler": "grid", "trials": 4, "parallel": 2, "max_hours": HOURS}
    machines = {"instance_type": "ml.g5.xlarge", "spot": True, "max_run_hours": 1, "max_wait_hours": 1}
    bench.config["compute"], bench.config["checks"] = {"tune": machines}, UNCHECKED
    with on_aws(bench) as aws:
        yield aws


@pytest.fixture(scope="module")
def ran(aws: Aws) -> Ran:
    running, client = aws.start(), aws.up.client("sagemaker")
    interrupted = interrupt(aws.up, "-trial-2-", running)
    assert (running.end(), interrupted) == (0, True), running.said
    names = [job["TrainingJobName"] for job in client.list_training_jobs(SortBy="CreationTime")["TrainingJobSummaries"]]
    jobs = [client.describe_training_job(TrainingJobName=name) for name in sorted(names, key=number_in)]
    return Ran(running.said, aws.record(1), trials_of(aws, 1), jobs)


def trials_of(aws: Aws, number: int) -> list[dict[str, Any]]:
    """The trials of a run's study, as their journal has them."""
    s3 = aws.up.client("s3")
    listed = s3.list_objects_v2(Bucket="rehearsal", Prefix=f"outputs/{EXPERIMENT}/runs/{number}/study/")["Contents"]
    keys = sorted(each["Key"] for each in listed if each["Key"].endswith("/trial.json"))
    return [json.loads(s3.get_object(Bucket="rehearsal", Key=key)["Body"].read()) for key in keys]


def number_in(name: str) -> int:
    """The number of the trial whose job has this name."""
    return int(name.partition("-trial-")[2].partition("-")[0])


def interrupt(up: Rehearsal, part: str, running: Running) -> bool:
    """Takes a job's spot machines away once it trains; the part of its name is no other's."""
    client = up.client("sagemaker")
    while running.process.poll() is None:
        for job in client.list_training_jobs(NameContains=part, StatusEquals="InProgress")["TrainingJobSummaries"]:
            described = client.describe_training_job(TrainingJobName=job["TrainingJobName"])
            if described["SecondaryStatus"] == "Training":
                up.interrupt(job["TrainingJobName"])
                return True
        time.sleep(0.3)
    return False


def test_each_trial_is_a_training_job_on_a_machine_of_its_own(ran: Ran) -> None:
    assert [number_in(job["TrainingJobName"]) for job in ran.jobs] == [0, 1, 2, 3]
    assert {job["ResourceConfig"]["InstanceType"] for job in ran.jobs} == {"ml.g5.xlarge"}
    for number in (0, 1):
        assert ran.jobs[number]["TrainingJobStatus"] == ran.trials[number]["state"].capitalize() == "Completed"
        assert f"trial_{number}: completed" in ran.said


def test_no_trial_is_given_the_checkpoints_of_another(ran: Ran) -> None:
    places = [job["CheckpointConfig"]["S3Uri"] for job in ran.jobs]
    assert places == [f"s3://rehearsal/outputs/{EXPERIMENT}/runs/1/checkpoints/trial_{number}" for number in range(4)]


def test_a_trial_whose_spot_machines_are_taken_begins_again(ran: Ran) -> None:
    passed = [each["Status"] for each in ran.jobs[2]["SecondaryStatusTransitions"]]
    assert passed.index("Interrupted") < len(passed) - passed[::-1].index("Training")


def test_a_trial_that_is_not_worth_going_on_is_asked_to_stop_and_its_job_ends(ran: Ran) -> None:
    trial, job = ran.trials[3], ran.jobs[3]
    assert (trial["state"], trial["reason"], job["TrainingJobStatus"]) == ("pruned", None, "Completed")
    assert 0 < len(trial["points"]) < LONG


def test_at_the_limit_jobs_are_stopped_and_the_study_ends_with_what_it_has(ran: Ran) -> None:
    trial, job = ran.trials[2], ran.jobs[2]
    assert (trial["state"], trial["reason"]) == ("pruned", f"tune.max_hours ({HOURS}) is reached")
    assert job["TrainingJobStatus"] == "Stopped" and 0 < len(trial["points"]) < LONG
    tuning = ran.record["tuning"]
    assert ran.record["status"] == "completed" and ran.record["metrics"] == {}
    assert (tuning["completed"], tuning["pruned"], tuning["failed"]) == (2, 2, 0)
    assert (tuning["trial"], tuning["value"]) == (0, tuning["default"])


def test_at_a_cost_in_dollars_jobs_are_stopped_too(ran: Ran, aws: Aws) -> None:
    """144 s of machines at a dollar an hour; trial 0 is the config as it stands, and the next one has no end."""
    space = f"tune.space={json.dumps({'train.epochs': {'choice': [LONG]}, 'train.learning_rate': {'choice': [GOOD]}})}"
    limits = ("tune.max_hours=null", "tune.max_cost_usd=0.04", "tune.usd_per_hour=1", "tune.parallel=1")
    code, said = aws.run(*(part for each in (space, "tune.trials=2", *limits) for part in ("--set", each)))
    assert code == 0, said
    default, endless = trials_of(aws, 2)
    assert (default["state"], endless["state"]) == ("completed", "pruned")
    assert endless["reason"] == "tune.max_cost_usd (0.04) is reached"
    assert default["seconds"] + endless["seconds"] >= 144 and 0 < len(endless["points"]) < LONG


def test_the_report_is_at_hand_and_each_call_is_allowed_by_its_policy(ran: Ran, aws: Aws) -> None:
    at_hand = aws.bench.working_directory() / "outputs" / "from-sagemaker" / EXPERIMENT / "1" / "tuning.html"
    assert at_hand.is_file()
    check_calls(aws.up, "test_tuning_rehearsal")
