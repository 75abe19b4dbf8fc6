"""What hosts a run on AWS, and how it is stopped there."""

import pytest

from operators.execution import host_of
from operators.stop import stop_command

JOB = "arn:aws:sagemaker:us-east-1:123456789012:{}-job/finetune-trials-2026"
EXECUTION = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/finetune/execution/abc"


@pytest.mark.parametrize(
    ("arn", "host", "command"),
    [
        (JOB.format("processing"), ("Processing", "finetune-trials-2026"), "stop-processing-job --processing-job-name"),
        (JOB.format("training"), ("Training", "finetune-trials-2026"), "stop-training-job --training-job-name"),
        (EXECUTION, None, "stop-pipeline-execution --pipeline-execution-arn"),
    ],
)
def test_a_dynamic_pipeline_is_hosted_by_a_job(arn: str, host: tuple[str, str] | None, command: str) -> None:
    assert host_of(arn) == host
    assert stop_command(arn) == f"aws sagemaker {command} {host[1] if host else arn}"
