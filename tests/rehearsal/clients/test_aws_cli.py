import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

AWS = Path(sys.executable).with_name("aws")


def aws(bench: Any, *arguments: str) -> Any:
    environment = os.environ | bench.rehearsal.environment
    command = [str(AWS), *arguments, "--output", "json"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout) if ran.stdout else None


@pytest.mark.skipif(not AWS.exists(), reason="the AWS CLI is not installed beside this interpreter")
def test_the_aws_cli_starts_a_job_and_sees_its_end(bench: Any) -> None:
    request = bench.training("print('from the command line')")
    name = request["TrainingJobName"]
    aws(bench, "sagemaker", "create-training-job", "--cli-input-json", json.dumps(request))
    aws(bench, "sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", name)
    described = aws(bench, "sagemaker", "describe-training-job", "--training-job-name", name)
    assert described["TrainingJobStatus"] == "Completed"
    assert bench.lines(name) == ["from the command line"]
