"""What a pipeline needs to be submitted to a stack: the image its steps run in, with the code inside."""

from typing import Any

from zenml.config import DockerSettings
from zenml.enums import ExecutionMode

from stacks.files import Stack


def pipeline_settings(stack: Stack) -> dict[str, Any]:
    """Settings for `pipeline.with_options(settings=...)`; empty for a stack of this machine.

    ZenML builds nothing and uploads no code: the image of the stack file is run as it is.
    """
    if stack.values is None:
        return {}
    docker = DockerSettings(
        parent_image=stack.values.image,
        skip_build=True,
        allow_download_from_artifact_store=False,
        allow_download_from_code_repository=False,
    )
    return {"docker": docker}


def execution_mode(stack: Stack) -> ExecutionMode:
    """What happens when a step fails.

    FAIL_FAST hands on what the step raised; the other modes replace it by an error without its message. Orchestrators
    elsewhere know one mode only, in which steps that do not need the failed one still run.
    """
    return ExecutionMode.FAIL_FAST if stack.values is None else ExecutionMode.CONTINUE_ON_FAILURE
