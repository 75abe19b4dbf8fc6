import json
from itertools import pairwise
from typing import Any

import pytest


def step(bench: Any, name: str, code: str, **members: Any) -> dict[str, Any]:
    """A training step that runs this code."""
    arguments = bench.training(code)
    del arguments["TrainingJobName"]
    arguments |= members.pop("Arguments", {})
    return {"Name": name, "Type": "Training", "Arguments": arguments} | members


def started(bench: Any, *steps: dict[str, Any], **members: Any) -> str:
    definition = {"Version": "2020-12-01", "Parameters": members.pop("Parameters", []), "Steps": list(steps)}
    name = bench.name("pipe")
    role = bench.rehearsal.settings.role_arn
    bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=role)
    return str(bench.sagemaker.start_pipeline_execution(PipelineName=name, **members)["PipelineExecutionArn"])


def ended(bench: Any, arn: str) -> dict[str, Any]:
    look = lambda: bench.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)  # noqa: E731
    return dict(bench.until(look, lambda found: found["PipelineExecutionStatus"] not in ("Executing", "Stopping")))


def steps_of(bench: Any, arn: str) -> dict[str, dict[str, Any]]:
    found = bench.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, MaxResults=100)
    return {each["StepName"]: each for each in found["PipelineExecutionSteps"]}


def test_branches_run_side_by_side_and_what_waits_for_both_comes_last(bench: Any) -> None:
    nap = "import time\ntime.sleep(1)"
    arn = started(
        bench,
        step(bench, "end", "", DependsOn=["left", "right"]),
        step(bench, "left", nap, DependsOn=["begin"]),
        step(bench, "right", nap, DependsOn=["begin"]),
        step(bench, "begin", ""),
    )
    assert ended(bench, arn)["PipelineExecutionStatus"] == "Succeeded"
    runs = steps_of(bench, arn)
    assert {each["StepStatus"] for each in runs.values()} == {"Succeeded"}
    left, right = runs["left"], runs["right"]
    assert max(left["StartTime"], right["StartTime"]) < min(left["EndTime"], right["EndTime"])
    assert runs["begin"]["EndTime"] <= left["StartTime"] and right["EndTime"] <= runs["end"]["StartTime"]
    assert f"/pipelines-{arn[-12:]}-left-" in left["Metadata"]["TrainingJob"]["Arn"]


def test_no_more_steps_run_at_once_than_the_execution_may(bench: Any) -> None:
    steps = [step(bench, name, "import time\ntime.sleep(0.3)") for name in "abc"]
    arn = started(bench, *steps, ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    assert ended(bench, arn)["PipelineExecutionStatus"] == "Succeeded"
    runs = sorted(steps_of(bench, arn).values(), key=lambda run: run["StartTime"])
    assert len(runs) == 3
    assert all(before["EndTime"] <= after["StartTime"] for before, after in pairwise(runs))


def test_a_model_is_created_and_registered(bench: Any) -> None:
    group, role = bench.name("group"), bench.rehearsal.settings.role_arn
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    data = {"Get": "Steps.train.ModelArtifacts.S3ModelArtifacts"}
    made = {"PrimaryContainer": {"Image": "any", "ModelDataUrl": data}, "ExecutionRoleArn": role}
    contents = {"Containers": [{"Image": "any", "ModelDataUrl": data}]}
    contents |= {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    registered = {"ModelPackageGroupName": group, "InferenceSpecification": contents}
    arn = started(
        bench,
        step(bench, "train", "open('/opt/ml/model/m', 'w').write('m')"),
        {"Name": "model", "Type": "Model", "Arguments": made},
        {"Name": "register", "Type": "RegisterModel", "Arguments": registered},
    )
    assert ended(bench, arn)["PipelineExecutionStatus"] == "Succeeded", steps_of(bench, arn)
    told = {name: run["Metadata"] for name, run in steps_of(bench, arn).items()}
    job = told["train"]["TrainingJob"]["Arn"].rpartition("/")[2]
    trained = bench.described(job)["ModelArtifacts"]["S3ModelArtifacts"]
    model = bench.sagemaker.describe_model(ModelName=told["model"]["Model"]["Arn"].rpartition("/")[2])
    assert model["PrimaryContainer"]["ModelDataUrl"] == trained
    package = bench.sagemaker.describe_model_package(ModelPackageName=told["register"]["RegisterModel"]["Arn"])
    assert package["ModelPackageGroupName"] == group
    assert package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == trained


def test_variables_are_filled_in(bench: Any) -> None:
    code = "import os\nprint(os.environ['ALL'])\nprint(os.environ['MODEL'])"
    first = step(bench, "first", "open('/opt/ml/model/m', 'w').write('m')")
    joined = {
        "Std:Join": {
            "On": "/",
            "Values": ["a", {"Get": "Parameters.Colour"}, {"Get": "Execution.PipelineExecutionId"}],
        }
    }
    environment = {"ALL": joined, "MODEL": {"Get": "Steps.first.ModelArtifacts.S3ModelArtifacts"}}
    second = step(bench, "second", code, Arguments={"Environment": environment})
    arn = started(
        bench,
        first,
        second,
        Parameters=[{"Name": "Colour", "Type": "String", "DefaultValue": "red"}],
        PipelineParameters=[{"Name": "Colour", "Value": "blue"}],
    )
    assert ended(bench, arn)["PipelineExecutionStatus"] == "Succeeded"
    runs = steps_of(bench, arn)
    jobs = {name: run["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2] for name, run in runs.items()}
    expected = [f"a/blue/{arn[-12:]}", f"s3://{bench.bucket}/out/{jobs['first']}/output/model.tar.gz"]
    assert bench.lines(jobs["second"]) == expected


def test_a_failed_step_fails_the_execution_and_a_retry_repeats_only_it(bench: Any) -> None:
    gate = bench.name("gate")
    code = (
        "import boto3, sys\n"
        f"found = boto3.client('s3').list_objects_v2(Bucket='{bench.bucket}', Prefix='{gate}')['KeyCount']\n"
        "sys.exit(0 if found else 7)"
    )
    arn = started(
        bench, step(bench, "a", ""), step(bench, "b", code, DependsOn=["a"]), step(bench, "c", "", DependsOn=["b"])
    )
    failed = ended(bench, arn)
    assert failed["PipelineExecutionStatus"] == "Failed"
    assert failed["FailureReason"] == "Step failure: One or multiple steps failed."
    before = steps_of(bench, arn)
    assert before.keys() == {"a", "b"}
    assert before["b"]["FailureReason"] == "ClientError: AlgorithmError: , exit code: 7"
    bench.s3.put_object(Bucket=bench.bucket, Key=gate, Body=b"open")
    bench.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="t" * 32)
    assert ended(bench, arn)["PipelineExecutionStatus"] == "Succeeded"
    after = steps_of(bench, arn)
    assert after.keys() == {"a", "b", "c"} and after["a"]["EndTime"] == before["a"]["EndTime"]


def test_a_stopped_execution_stops_its_jobs(bench: Any) -> None:
    arn = started(
        bench, step(bench, "a", "import time\nprint('ready')\ntime.sleep(60)"), step(bench, "b", "", DependsOn=["a"])
    )
    run = bench.until(lambda: steps_of(bench, arn).get("a", {}), lambda found: found.get("Metadata"))
    job = run["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    bench.says(job, "ready")
    bench.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="s" * 32)
    assert ended(bench, arn)["PipelineExecutionStatus"] == "Stopped"
    assert {name: each["StepStatus"] for name, each in steps_of(bench, arn).items()} == {"a": "Stopped"}
    assert bench.described(job)["TrainingJobStatus"] == "Stopped"


def test_a_request_that_the_service_refuses_fails_its_step(bench: Any) -> None:
    bench.rehearsal.limit(quotas={"ml.p4d.24xlarge for training job usage": 0})
    resources = {"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1}
    arn = started(bench, step(bench, "a", "", Arguments={"ResourceConfig": resources}))
    assert ended(bench, arn)["PipelineExecutionStatus"] == "Failed"
    reason = steps_of(bench, arn)["a"]["FailureReason"]
    assert reason.startswith("ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details:")
    assert "account-level service limit" in reason


def test_a_pipeline_is_updated_described_listed_and_deleted(bench: Any) -> None:
    arn = started(bench, step(bench, "a", ""))
    ended(bench, arn)
    name = arn.split("/")[1]
    definition = json.dumps({"Version": "2020-12-01", "Steps": [step(bench, "b", "")]})
    bench.sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=definition)
    described = bench.sagemaker.describe_pipeline(PipelineName=name)
    assert json.loads(described["PipelineDefinition"])["Steps"][0]["Name"] == "b"
    before = bench.sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    assert json.loads(before["PipelineDefinition"])["Steps"][0]["Name"] == "a"
    listed = bench.sagemaker.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]
    assert [each["PipelineName"] for each in listed] == [name]
    runs = bench.sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    assert [each["PipelineExecutionArn"] for each in runs] == [arn]
    bench.sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken="d" * 32)
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="does not exist"):
        bench.sagemaker.describe_pipeline(PipelineName=name)


def test_an_unknown_parameter_is_refused(bench: Any) -> None:
    with pytest.raises(bench.sagemaker.exceptions.ClientError, match="Unknown pipeline parameters: Size"):
        started(bench, step(bench, "a", ""), PipelineParameters=[{"Name": "Size", "Value": "1"}])
