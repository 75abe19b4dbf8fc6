"""Submits a run of which AWS has the execution when ZenML's server fails, and prints what the error leaves behind."""

import json
import os
from typing import Any

import requests

from stacks.apply import apply
from stacks.files import load_stack

CLUSTER = {"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 1}


def definition(role: str, image: str) -> str:
    """A pipeline whose step would go on for long."""
    container = {"ImageUri": image, "ContainerEntrypoint": ["python", "-c", "import time; time.sleep(600)"]}
    job = {"AppSpecification": container, "ProcessingResources": {"ClusterConfig": CLUSTER}, "RoleArn": role}
    return json.dumps({"Version": "2020-12-01", "Steps": [{"Name": "long", "Type": "Processing", "Arguments": job}]})


def main() -> None:
    """Submits it."""
    os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply("rehearsal"))
    from zenml.client import Client

    from cli.aws.submit import submit
    from finetune.errors import ComputeError, RunError

    values = load_stack("rehearsal").values
    client: Any = Client().active_stack.orchestrator.sagemaker_session.sagemaker_client  # type: ignore[attr-defined]
    started: list[str] = []

    def fail_late() -> Any:
        client.create_pipeline(
            PipelineName="broken",
            PipelineDefinition=definition(values.role, values.image),
            RoleArn=values.role,
            ClientRequestToken="b" * 32,
        )
        started.append(client.start_pipeline_execution(PipelineName="broken")["PipelineExecutionArn"])
        raise requests.ConnectionError("ZenML's server is away")

    def refused() -> Any:
        return client.start_pipeline_execution(PipelineName="none-such")

    for call, expected in ((fail_late, RunError), (refused, ComputeError)):
        try:
            submit(call, print)
        except expected as error:
            print(f"raised {error}")
    print("arn", started[0])


if __name__ == "__main__":
    main()
