import io
import tarfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

sagemaker = pytest.importorskip("sagemaker", reason="the SageMaker SDK is not installed")

from sagemaker.estimator import Estimator  # noqa: E402
from sagemaker.tuner import (  # noqa: E402
    CategoricalParameter,
    ContinuousParameter,
    HyperparameterTuner,
    IntegerParameter,
)

from rehearsal import Image, Rehearsal, Settings  # noqa: E402
from rehearsal.fixture import skip_where_refused  # noqa: E402

# A program that trains as it is told: `way` is a score, or how to go wrong.
TRAIN = """
import json, os, signal, sys, time

values = json.load(open("/opt/ml/input/config/hyperparameters.json"))
assert all(isinstance(value, str) for value in values.values())
open("/opt/ml/model/values.json", "w").write(json.dumps(values))
way = values.get("way", values.get("lr"))
print("score=0.99;", flush=True)
if way == "fail":
    sys.exit("this one fails")
if way == "wait":
    signal.signal(signal.SIGTERM, lambda *_: (print("score=0.42;", flush=True), sys.exit(0)))
    print("waiting", flush=True)
    time.sleep(60)
time.sleep(0.3)
print(f"score={way};", flush=True)
"""
SCORE = [{"Name": "score", "Regex": "score=(.*?);"}]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """A rehearsal whose image holds a `train` program."""
    skip_where_refused()
    folder = tmp_path_factory.mktemp("tuning")
    (folder / "program").mkdir()
    (folder / "program" / "train.py").write_text(TRAIN)
    image = Image(files={"/opt/program": str(folder / "program")}, train=["python", "/opt/program/train.py"])
    with Rehearsal(folder / "home", Settings(images={"*": image}, stop_grace_s=5.0, zenml=False)) as started:
        yield started


@pytest.fixture(scope="module")
def session(up: Rehearsal) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in up.environment.items():
            patch.setenv(name, value)
        # The SDK takes up boto3's default session, which has read its region from the environment of whoever made it.
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        yield sagemaker.Session(default_bucket=up.settings.bucket)


def tuner(up: Rehearsal, session: Any, ranges: dict[str, Any], **more: Any) -> Any:
    estimator = Estimator(
        "any",
        up.settings.role_arn,
        1,
        "ml.m5.large",
        output_path=f"s3://{up.settings.bucket}/out",
        sagemaker_session=session,
        hyperparameters={"epochs": 3},
    )
    given = {"strategy": "Random", "max_jobs": 4, "max_parallel_jobs": 2} | more
    return HyperparameterTuner(estimator, "score", ranges, SCORE, **given)


def ways(*values: str) -> dict[str, Any]:
    return {"way": CategoricalParameter(list(values))}


def rows(session: Any, name: str, **more: Any) -> list[dict[str, Any]]:
    request = {"HyperParameterTuningJobName": name, **more}
    found = session.sagemaker_client.list_training_jobs_for_hyper_parameter_tuning_job(**request)
    return list(found["TrainingJobSummaries"])


class TestFourJobsTwoAtATime:
    """One of the four fails; what the SDK then shows."""

    @pytest.fixture(scope="class")
    def tuned(self, up: Rehearsal, session: Any) -> Any:
        made = tuner(
            up, session, ways("0.3", "0.9", "fail", "0.5"), strategy="Grid", tags=[{"Key": "team", "Value": "nlp"}]
        )
        made.fit(job_name="grid", wait=False)
        session.wait_for_tuning_job("grid", poll=0.2)
        return made

    def test_the_tuning_job_completes_and_counts_all(self, tuned: Any) -> None:
        found = tuned.describe()
        assert found["HyperParameterTuningJobStatus"] == "Completed" and "FailureReason" not in found
        assert found["TrainingJobStatusCounters"] == {
            "Completed": 3,
            "InProgress": 0,
            "RetryableError": 0,
            "NonRetryableError": 1,
            "Stopped": 0,
        }
        assert found["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 1}
        assert found["HyperParameterTuningEndTime"] >= found["CreationTime"]

    def test_the_best_is_that_of_the_last_value_in_the_log(self, tuned: Any) -> None:
        found = tuned.describe()["BestTrainingJob"]
        assert found["TrainingJobName"] == tuned.best_training_job()
        assert found["TunedHyperParameters"] == {"way": "0.9"} and found["ObjectiveStatus"] == "Succeeded"
        metric = found["FinalHyperParameterTuningJobObjectiveMetric"]
        assert (metric["Type"], metric["MetricName"]) == ("Maximize", "score")
        assert metric["Value"] == pytest.approx(0.9)

    def test_two_ran_at_once_and_never_three(self, tuned: Any, session: Any) -> None:
        spans = [(row["CreationTime"], row["TrainingEndTime"]) for row in rows(session, "grid")]
        alive = [sum(start <= moment < end for start, end in spans) for moment, _ in spans]
        assert max(alive) == 2 and len(spans) == 4

    def test_a_training_job_is_one_as_any_other(self, tuned: Any, session: Any, up: Rehearsal) -> None:
        name = tuned.best_training_job()
        job = session.sagemaker_client.describe_training_job(TrainingJobName=name)
        values = {"epochs": "3", "way": "0.9", "_tuning_objective_metric": "score"}
        assert (
            job["HyperParameters"] == values and job["TuningJobArn"] == tuned.describe()["HyperParameterTuningJobArn"]
        )
        body = up.client("s3").get_object(Bucket=up.settings.bucket, Key=f"out/{name}/output/model.tar.gz")["Body"]
        with tarfile.open(fileobj=io.BytesIO(body.read())) as tar:
            assert tar.getnames() == ["values.json"]
        for arn in (job["TuningJobArn"], job["TrainingJobArn"]):
            assert session.sagemaker_client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "nlp"}]

    def test_training_jobs_are_numbered_after_the_tuning_job(self, tuned: Any, session: Any) -> None:
        names = [row["TrainingJobName"] for row in rows(session, "grid")]
        assert [name.rpartition("-")[0] for name in names] == [f"grid-00{number}" for number in range(1, 5)]
        assert all(len(name) == len("grid-001-") + 8 for name in names)

    def test_the_list_is_filtered_and_sorted(self, tuned: Any, session: Any) -> None:
        (failed,) = rows(session, "grid", StatusEquals="Failed")
        assert failed["TunedHyperParameters"] == {"way": "fail"} and "exit code: 1" in failed["FailureReason"]
        best_first = rows(session, "grid", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
        assert [row["TunedHyperParameters"]["way"] for row in best_first] == ["0.9", "0.5", "0.3"]
        pages = session.sagemaker_client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
        assert len(list(pages.paginate(HyperParameterTuningJobName="grid", PaginationConfig={"PageSize": 3}))) == 2
        (listed,) = session.sagemaker_client.list_hyper_parameter_tuning_jobs(
            NameContains="gri", StatusEquals="Completed"
        )["HyperParameterTuningJobSummaries"]
        assert listed["Strategy"] == "Grid" and listed["ObjectiveStatusCounters"]["Succeeded"] == 3

    def test_the_sdk_attaches_and_analyses(self, tuned: Any, session: Any) -> None:
        again = HyperparameterTuner.attach("grid", sagemaker_session=session)
        assert again.best_training_job() == tuned.best_training_job()
        assert again.best_estimator().hyperparameters()["way"] == "0.9"
        table = again.analytics().dataframe()
        assert sorted(table["FinalObjectiveValue"].dropna()) == pytest.approx([0.3, 0.5, 0.9])


def test_fit_waits_and_a_seed_repeats_the_values(
    up: Rehearsal, session: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ranges = {
        "lr": ContinuousParameter(1e-5, 1e-1, "Logarithmic"),
        "layers": IntegerParameter(1, 4),
        "kind": CategoricalParameter(["full", "frozen"]),
    }
    more = {"max_jobs": 2, "objective_type": "Minimize", "random_seed": 7, "early_stopping_type": "Auto"}
    first = tuner(up, session, ranges, strategy="Bayesian", **more)
    second = tuner(up, session, ranges, **more)
    second.fit(job_name="seeded-again", wait=False)
    first.fit(job_name="seeded", wait=True)
    assert capsys.readouterr().out.strip().endswith("!")
    session.wait_for_tuning_job("seeded-again", poll=0.2)
    values = [[row["TunedHyperParameters"] for row in rows(session, name)] for name in ("seeded", "seeded-again")]
    assert values[0] == values[1] and len(values[0]) == 2
    best = first.describe()["BestTrainingJob"]["TunedHyperParameters"]
    assert float(best["lr"]) == min(float(each["lr"]) for each in values[0])


def test_where_all_fail_the_tuning_job_fails(up: Rehearsal, session: Any) -> None:
    failing = tuner(up, session, {**ways("fail"), "n": IntegerParameter(1, 9)}, max_jobs=2)
    failing.fit(job_name="failing", wait=False)
    with pytest.raises(sagemaker.exceptions.UnexpectedStatusException, match="All training jobs failed"):
        session.wait_for_tuning_job("failing", poll=0.2)
    with pytest.raises(Exception, match="Best training job not available"):
        failing.best_training_job()


def test_a_stop_stops_the_training_jobs_with_time_to_save(up: Rehearsal, session: Any) -> None:
    made = tuner(up, session, {**ways("wait"), "n": IntegerParameter(1, 9)})
    made.fit(job_name="stopped", wait=False)
    waiting = _until(
        lambda: [row for row in rows(session, "stopped") if _says(up, row["TrainingJobName"], "waiting")], 2
    )
    made.stop_tuning_job()
    assert made.describe()["HyperParameterTuningJobStatus"] in ("Stopping", "Stopped")
    session.wait_for_tuning_job("stopped", poll=0.2)
    found = made.describe()
    assert found["HyperParameterTuningJobStatus"] == "Stopped"
    assert found["TrainingJobStatusCounters"]["Stopped"] == 2 == len(rows(session, "stopped"))
    assert all(_says(up, row["TrainingJobName"], "score=0.42;") for row in waiting)
    made.stop_tuning_job()


def test_a_training_job_that_is_stopped_by_itself_does_not_end_the_others(up: Rehearsal, session: Any) -> None:
    made = tuner(up, session, ways("wait", "0.7"), strategy="Grid", max_jobs=2)
    made.fit(job_name="one-stopped", wait=False)
    (row,) = _until(
        lambda: [row for row in rows(session, "one-stopped") if _says(up, row["TrainingJobName"], "waiting")], 1
    )
    session.sagemaker_client.stop_training_job(TrainingJobName=row["TrainingJobName"])
    session.wait_for_tuning_job("one-stopped", poll=0.2)
    found = made.describe()
    assert found["HyperParameterTuningJobStatus"] == "Completed"
    assert found["BestTrainingJob"]["TunedHyperParameters"] == {"way": "0.7"}


def test_requests_that_the_service_refuses(up: Rehearsal, session: Any) -> None:
    client = session.sagemaker_client
    made = tuner(up, session, ways("0.1", "0.2"), strategy="Grid", max_jobs=2)
    with pytest.raises(client.exceptions.ClientError, match="length less than or equal to 32"):
        made.fit(job_name="n" * 33, wait=False)
    with pytest.raises(client.exceptions.ClientError, match="combinations"):
        tuner(up, session, ways("0.1"), max_jobs=2).fit(job_name="few", wait=False)
    up.limit(quotas={"ml.m5.large for training job usage": 1})
    with pytest.raises(client.exceptions.ClientError, match="delta of 2 Instances"):
        made.fit(job_name="quota", wait=False)
    up.limit(quotas={})
    made.fit(job_name="taken", wait=False)
    with pytest.raises(client.exceptions.ResourceInUse, match="taken, already exists"):
        made.fit(job_name="taken", wait=False)
    session.wait_for_tuning_job("taken", poll=0.2)
    for call in (client.describe_hyper_parameter_tuning_job, client.stop_hyper_parameter_tuning_job):
        with pytest.raises(client.exceptions.ResourceNotFound, match="can't find a tuning job called nothing"):
            call(HyperParameterTuningJobName="nothing")
    arn = made.describe()["HyperParameterTuningJobArn"]
    assert {"sagemaker:DescribeHyperParameterTuningJob", "sagemaker:CreateHyperParameterTuningJob"} <= {
        call["action"] for call in up.calls() if call["resource"] == arn
    }


def _says(up: Rehearsal, name: str, line: str) -> bool:
    """Whether a training job has printed a line."""
    logs, group = up.client("logs"), "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=name)["logStreams"]
    found = [logs.get_log_events(logGroupName=group, logStreamName=each["logStreamName"]) for each in streams]
    return line in [event["message"] for each in found for event in each["events"]]


def _until(look: Callable[[], list[Any]], count: int, seconds: float = 30.0) -> list[Any]:
    """Waits until so many are there."""
    ends = time.monotonic() + seconds
    while len(found := look()) < count:
        if time.monotonic() > ends:
            pytest.fail(f"not within {seconds} s: {found}")
        time.sleep(0.1)
    return found
