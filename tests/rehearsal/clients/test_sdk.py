import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

sagemaker = pytest.importorskip("sagemaker", reason="the SageMaker SDK is not installed")

from sagemaker.estimator import Estimator  # noqa: E402
from sagemaker.inputs import TrainingInput  # noqa: E402
from sagemaker.processing import ProcessingInput, ProcessingOutput, Processor  # noqa: E402
from sagemaker.workflow.condition_step import ConditionStep  # noqa: E402
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo  # noqa: E402
from sagemaker.workflow.execution_variables import ExecutionVariables  # noqa: E402
from sagemaker.workflow.fail_step import FailStep  # noqa: E402
from sagemaker.workflow.functions import Join, JsonGet  # noqa: E402
from sagemaker.workflow.parameters import ParameterFloat, ParameterString  # noqa: E402
from sagemaker.workflow.pipeline import Pipeline  # noqa: E402
from sagemaker.workflow.pipeline_context import PipelineSession  # noqa: E402
from sagemaker.workflow.properties import PropertyFile  # noqa: E402
from sagemaker.workflow.steps import ProcessingStep, TrainingStep  # noqa: E402

CODE = "/opt/ml/processing/input/code"
PREPARE = "open('/opt/ml/processing/output/rows/rows.csv', 'w').write('1,2')"
TRAIN = "open('/opt/ml/model/m', 'w').write(open('/opt/ml/input/data/train/rows.csv').read())"
EVALUATE = """
import json, os, tarfile
assert tarfile.open("/opt/ml/processing/input/model/model.tar.gz").getnames() == ["m"]
print(os.environ["RUN"])
json.dump({"accuracy": {"value": 0.9}}, open("/opt/ml/processing/output/scores/scores.json", "w"))
"""


@pytest.fixture
def environment(bench: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in bench.rehearsal.environment.items():
        monkeypatch.setenv(name, value)
    # The SDK takes up boto3's default session, which has read its region from the environment of whoever made it.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    yield


@pytest.fixture
def session(bench: Any, environment: None) -> Any:
    return sagemaker.Session(default_bucket=bench.bucket)


def processor(bench: Any, session: Any, **more: Any) -> Any:
    return Processor(
        role=bench.rehearsal.settings.role_arn,
        image_uri="any",
        instance_count=1,
        instance_type="ml.t3.medium",
        entrypoint=["python", f"{CODE}/job.py"],
        sagemaker_session=session,
        **more,
    )


def estimator(bench: Any, session: Any) -> Any:
    return Estimator(
        "any",
        bench.rehearsal.settings.role_arn,
        1,
        "ml.m5.large",
        output_path=f"s3://{bench.bucket}/out",
        sagemaker_session=session,
        container_entry_point=["python", "/opt/ml/input/data/code/job.py"],
    )


def test_an_estimator_fits_and_prints_the_log(bench: Any, session: Any, capsys: pytest.CaptureFixture[str]) -> None:
    model = estimator(bench, session)
    code = "print('learning')\nopen('/opt/ml/model/m', 'w').write('m')"
    model.fit({"code": bench.put(job_py=code)}, job_name=bench.name("sdk"), wait=True, logs="All")
    assert "learning" in capsys.readouterr().out
    with tarfile.open(fileobj=io.BytesIO(bench.read(model.model_data.split("/", 3)[3]))) as tar:
        assert tar.getnames() == ["m"]


def test_an_estimator_raises_the_failure_reason(bench: Any, session: Any) -> None:
    code = "open('/opt/ml/output/failure', 'w').write('no rows')\nraise SystemExit(4)"
    failing, name = estimator(bench, session), bench.name("sdk")
    failing.fit({"code": bench.put(job_py=code)}, job_name=name, wait=False)
    bench.trained(name)
    with pytest.raises(sagemaker.exceptions.UnexpectedStatusException, match="no rows, exit code: 4"):
        session.wait_for_job(name, poll=0.2)


def test_a_processor_runs(bench: Any, session: Any) -> None:
    target = f"s3://{bench.bucket}/{bench.name('sdk')}"
    made = processor(bench, session)
    made.run(
        inputs=[ProcessingInput(source=bench.put(job_py=PREPARE), destination=CODE)],
        outputs=[ProcessingOutput(source="/opt/ml/processing/output/rows", destination=target)],
        wait=False,
        logs=False,
    )
    assert bench.processed(made.latest_job.name)["ProcessingJobStatus"] == "Completed"
    assert bench.read(target.split("/", 3)[3] + "/rows.csv") == b"1,2"


def pipeline(bench: Any) -> Any:
    """Prepare, train, evaluate, and a gate that fails below a score."""
    session = PipelineSession(default_bucket=bench.bucket)
    bucket = ParameterString("Bucket", default_value="nowhere")
    least = ParameterFloat("Least", default_value=0.8)
    scores = PropertyFile(name="Scores", output_name="scores", path="scores.json")
    target = Join(on="/", values=["s3:/", bucket, "rows", ExecutionVariables.PIPELINE_EXECUTION_ID])
    prepare = ProcessingStep(
        name="prepare_rows",
        step_args=processor(bench, session).run(
            inputs=[ProcessingInput(source=bench.put(job_py=PREPARE), destination=CODE)],
            outputs=[ProcessingOutput(output_name="rows", source="/opt/ml/processing/output/rows", destination=target)],
        ),
    )
    rows = prepare.properties.ProcessingOutputConfig.Outputs["rows"].S3Output.S3Uri
    channels = {"train": TrainingInput(rows), "code": TrainingInput(bench.put(job_py=TRAIN))}
    train = TrainingStep(name="train", step_args=estimator(bench, session).fit(channels))
    model = ProcessingInput(
        source=train.properties.ModelArtifacts.S3ModelArtifacts, destination="/opt/ml/processing/input/model"
    )
    evaluate = ProcessingStep(
        name="evaluate",
        step_args=processor(bench, session, env={"RUN": ExecutionVariables.PIPELINE_EXECUTION_ARN}).run(
            inputs=[ProcessingInput(source=bench.put(job_py=EVALUATE), destination=CODE), model],
            outputs=[ProcessingOutput(output_name="scores", source="/opt/ml/processing/output/scores")],
        ),
        property_files=[scores],
    )
    score = JsonGet(step_name="evaluate", property_file=scores, json_path="accuracy.value")
    gate = ConditionStep(
        name="gate",
        conditions=[ConditionGreaterThanOrEqualTo(left=score, right=least)],
        if_steps=[],
        else_steps=[FailStep(name="too_low", error_message=Join(on=" ", values=["below", least]))],
    )
    steps = [prepare, train, evaluate, gate]
    return Pipeline(name=bench.name("sdk"), parameters=[bucket, least], steps=steps, sagemaker_session=session)


def test_a_pipeline_runs_and_its_gate_decides(bench: Any, environment: None) -> None:
    made = pipeline(bench)
    made.upsert(role_arn=bench.rehearsal.settings.role_arn)
    made.upsert(role_arn=bench.rehearsal.settings.role_arn)
    good = made.start(parameters={"Bucket": bench.bucket})
    bad = made.start(parameters={"Bucket": bench.bucket, "Least": 0.95})
    good.wait(delay=1, max_attempts=60)
    runs = {each["StepName"]: each for each in good.list_steps()}
    assert runs.keys() == {"prepare_rows", "train", "evaluate", "gate"}
    assert runs["gate"]["Metadata"]["Condition"]["Outcome"] == "True"
    job = runs["evaluate"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    assert bench.lines(job, "Processing") == [good.arn]

    with pytest.raises(Exception, match="PipelineExecutionComplete"):
        bad.wait(delay=1, max_attempts=60)
    assert {each["StepName"]: each.get("FailureReason") for each in bad.list_steps()}["too_low"] == "below 0.95"


def test_the_sdk_tells_nobody(bench: Any, environment: None) -> None:
    settings = Path(bench.rehearsal.environment["SAGEMAKER_USER_CONFIG_OVERRIDE"]).read_text()
    assert "TelemetryOptOut: true" in settings
