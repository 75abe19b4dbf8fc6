"""A study by SageMaker's own tuning job, on a rehearsal: its best parameters reach the training of the same run."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.fixture import skip_where_refused
from tests.e2e.aws import Aws, on_aws
from tests.e2e.workbench import REPOSITORY, UNCHECKED, Workbench
from tests.rehearsal.zenml.test_pipeline import check_calls

SPACE = {"train.learning_rate": {"log_uniform": [0.01, 0.4]}, "model.width": {"choice": [4, 8]}}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    skip_where_refused()
    folder = tmp_path_factory.mktemp("tuning")
    bench = Workbench.make(folder, folder / "zenml", "EXP-7-tuned-by-sagemaker")
    bench.config["steps"] = {"tune": True, "register": True, "transform": True}
    bench.config["register"] = {"gate": {"metrics": {"macro_f1": {"min": 0.01}}}}
    bench.config["tune"] = {"engine": "sagemaker", "space": SPACE, "trials": 2, "parallel": 2, "sampler": "random"}
    bench.config["compute"] = {"tune": {"instance_type": "ml.m5.large"}}
    bench.config["checks"] = UNCHECKED
    with on_aws(bench) as aws:
        yield aws


def test_training_jobs_of_one_tuning_job_find_the_parameters_that_the_model_is_trained_with(aws: Aws) -> None:
    code, said = aws.run()
    assert code == 0, said
    sagemaker, s3 = aws.up.client("sagemaker"), aws.up.client("s3")
    (tuning,) = sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    assert tuning["HyperParameterTuningJobStatus"] == "Completed"
    trials = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    assert [job["TrainingJobStatus"] for job in trials] == ["Completed"] * 2
    name = tuning["HyperParameterTuningJobName"]
    found = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)["BestTrainingJob"]
    texts = found["TunedHyperParameters"]
    best = {
        "train.learning_rate": float(texts["train.learning_rate"]),
        "model.width": json.loads(texts["model.width"]),
    }
    record: dict[str, Any] = aws.record(1)
    assert record["tuning"]["best"] == best and record["tuning"]["completed"] == 2
    assert record["tuning"]["default"] is None
    assert f"trial {record['tuning']['trial']}: macro_f1" in said

    below = s3.list_objects_v2(Bucket="rehearsal", Prefix=f"outputs/{aws.bench.experiment}/runs/1/")
    names = [each["Key"] for each in below["Contents"]]
    assert any(each.endswith("/tuning.html") for each in names) and not any("/study/" in each for each in names)
    (facts,) = [
        each["Key"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket="rehearsal")
        for each in page["Contents"]
        if each["Key"].endswith("finetune.json")
    ]
    model = json.loads(s3.get_object(Bucket="rehearsal", Key=facts)["Body"].read())["model"]
    assert model["width"] == best["model.width"]


def test_its_model_is_registered_with_sagemaker_and_zenml_which_are_promoted_together(aws: Aws) -> None:
    record, sagemaker, s3 = aws.record(1), aws.up.client("sagemaker"), aws.up.client("s3")
    assert record["gate"]["passed"] and record["registered"].keys() == {"zenml", "sagemaker"}
    package = sagemaker.describe_model_package(ModelPackageName=record["registered"]["sagemaker"])
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    (container,) = package["InferenceSpecification"]["Containers"]
    assert container["Image"] == record["versions"]["image"]
    for place in (container["ModelDataUrl"], package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]):
        bucket, _, key = place.removeprefix("s3://").partition("/")
        found = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    scores = json.loads(found)["multiclass_classification_metrics"]
    assert scores["accuracy"]["value"] == pytest.approx(record["metrics"]["accuracy"])
    promoted = command(aws, "promote", aws.bench.experiment, "1", "--to", "production")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert "version 1: production in zenml, sagemaker" in promoted.stdout
    package = sagemaker.describe_model_package(ModelPackageName=record["registered"]["sagemaker"])
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["CustomerMetadataProperties"]["experiment"] == aws.bench.experiment
    check_calls(aws.up, "test_tuning_job")


def test_its_package_gives_evaluates_metrics_as_a_transform_job(aws: Aws) -> None:
    record, sagemaker = aws.record(1), aws.up.client("sagemaker")
    (job,) = sagemaker.list_transform_jobs()["TransformJobSummaries"]
    assert job["TransformJobStatus"] == "Completed" and job["TransformJobName"].startswith(f"{aws.bench.experiment}-1-")
    scores = record["transformed"]
    assert scores["metrics"] == pytest.approx(record["metrics"], abs=1e-4)
    assert scores["failed"] == 0 and scores["answered"] == scores["records"] > 0
    check_calls(aws.up, "test_transform")


def command(aws: Aws, *words: str) -> "subprocess.CompletedProcess[str]":
    """A command of run.py with the stack file's values in its environment."""
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "run.py"), *words, "--stack", "sagemaker"],
        cwd=aws.bench.working_directory(),
        env=aws.bench.environment(**aws.environment),
        capture_output=True,
        text=True,
    )


def test_a_stack_without_sagemaker_is_refused_before_anything_starts(aws: Aws) -> None:
    ended = aws.bench.run()
    assert ended.code == 2 and "tune.engine: sagemaker needs a stack that runs jobs on SageMaker" in ended.said
    assert not aws.bench.home.exists()
