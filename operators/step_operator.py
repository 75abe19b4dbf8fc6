"""The step operator: a step with an entry in `compute:` becomes one SageMaker training job."""

from typing import Any, cast

import boto3
from botocore.config import Config
from zenml.client import Client
from zenml.config.build_configuration import BuildConfiguration
from zenml.config.step_run_info import StepRunInfo
from zenml.enums import ExecutionStatus, StackComponentType
from zenml.models import PipelineSnapshotBase, StepRunResponse
from zenml.orchestrators.publish_utils import publish_step_run_metadata, step_exception_info
from zenml.stack import Stack, StackValidator
from zenml.step_operators import BaseStepOperator
from zenml.utils.exception_utils import collect_exception_information

from finetune.errors import ComputeError
from finetune.experiment import Home
from finetune.facts import facts_of
from finetune.invocations import model_of, names_of_models, trial_of
from finetune.progress import say
from operators import jobs
from operators.flavor import SagemakerJobConfig, SagemakerJobSettings
from operators.names import RUN_LETTERS, job_name
from operators.request import AccountSettings, training_request
from operators.step_entrypoint import StepEntrypoint
from operators.stop import RUN_TAG

IMAGE_KEY = "finetune_sagemaker"
JOB_NAME = "job_name"
"""Metadata of a step run: the name of its training job."""
STATES = {
    "InProgress": ExecutionStatus.RUNNING,
    "Stopping": ExecutionStatus.RUNNING,  # a dynamic pipeline follows no step any more that neither runs nor has ended
    "Completed": ExecutionStatus.COMPLETED,
    "Failed": ExecutionStatus.FAILED,
    "Stopped": ExecutionStatus.STOPPED,
}


class SagemakerJobs(BaseStepOperator):
    """Submits, follows and stops a step's job."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        """Takes what ZenML gives every component."""
        super().__init__(*args, **settings)
        self._clients: dict[str, Any] = {}

    @property
    def config(self) -> SagemakerJobConfig:
        """What the stack file sets."""
        return cast(SagemakerJobConfig, self._config)

    @property
    def settings_class(self) -> type[SagemakerJobSettings]:
        """What a step may set."""
        return SagemakerJobSettings

    @property
    def entrypoint_config_class(self) -> type[StepEntrypoint]:
        """What ZenML runs in the container."""
        return StepEntrypoint

    @property
    def validator(self) -> StackValidator:
        """Refuses a stack from which a job could not read its image or artifacts."""
        return StackValidator(
            required_components={StackComponentType.CONTAINER_REGISTRY, StackComponentType.IMAGE_BUILDER},
            custom_validation_function=_all_remote,
        )

    def get_docker_builds(self, snapshot: PipelineSnapshotBase) -> list[BuildConfiguration]:
        """The images of the steps that run under this operator."""
        return [
            BuildConfiguration(key=IMAGE_KEY, settings=step.config.docker_settings, step_name=name)
            for name, step in snapshot.step_configurations.items()
            if step.config.uses_step_operator(self.name)
        ]

    def submit(self, info: StepRunInfo, entrypoint_command: list[str], environment: dict[str, str]) -> None:
        """Submits the step's job and returns.

        Raises:
            ComputeError: The step has no machines, or AWS refuses the job.
        """
        machines = cast(SagemakerJobSettings, self.get_settings(info)).machines
        if machines is None:
            raise ComputeError(f"step {info.pipeline_step_name}: compute has no entry for it; add one to the config")
        # The id alone makes the job's name its own.
        name = job_name(info.run_name[:RUN_LETTERS], info.pipeline_step_name, str(info.step_run_id))
        request = training_request(
            name,
            image=info.get_image(key=IMAGE_KEY),
            command=entrypoint_command,
            environment={key: str(value) for key, value in environment.items()},
            machines=machines,
            account=self.account,
            checkpoints=_checkpoints_of(info) or f"{self.config.output.rstrip('/')}/jobs/{name}/checkpoints",
            tags={RUN_TAG: info.run_name[:256], "finetune:step": info.pipeline_step_name[:256]},
        )
        # Before the job exists: who stops a run while its jobs start must find them.
        publish_step_run_metadata(info.step_run_id, {self.id: {JOB_NAME: name}})
        info.step_run.run_metadata[JOB_NAME] = name
        info.force_write_logs()
        jobs.submit(self.client("sagemaker"), request)

    def wait(self, step_run: StepRunResponse) -> ExecutionStatus:
        """Waits for the job with its log on the terminal.

        Raises:
            ComputeError: It failed; the message has AWS's reason and the last lines.
        """
        try:
            job = jobs.wait(self.client, _job_of(step_run), say)
        except ComputeError as error:
            # A job that was killed has published nothing: this is what the dashboard shows then.
            step_exception_info.set(collect_exception_information(error))
            raise
        return STATES[job["TrainingJobStatus"]]

    def get_status(self, step_run: StepRunResponse) -> ExecutionStatus:
        """The job's status.

        Raises:
            ComputeError: AWS does not tell.
        """
        return STATES[jobs.status(self.client("sagemaker"), _job_of(step_run))]

    def cancel(self, step_run: StepRunResponse) -> None:
        """Stops the job.

        Raises:
            ComputeError: AWS refuses.
        """
        jobs.stop(self.client("sagemaker"), _job_of(step_run))

    def client(self, service: str) -> Any:
        """A boto3 client with the credentials of the usual AWS chain: in a job, those of the execution role."""
        if service not in self._clients:
            session = boto3.Session(region_name=self.config.region)
            settings = Config(retries={"mode": "standard", "max_attempts": 5})
            self._clients[service] = session.client(service, config=settings)
        return self._clients[service]

    @property
    def account(self) -> AccountSettings:
        """What the stack file says for all jobs."""
        config = self.config
        return AccountSettings(
            role=config.role,
            output=config.output,
            kms_key=config.kms_key,
            subnets=config.subnets,
            security_groups=config.security_groups,
            tags=config.tags,
        )


def _job_of(step_run: StepRunResponse) -> str:
    return str(step_run.run_metadata[JOB_NAME])


def _all_remote(stack: Stack) -> tuple[bool, str]:
    registry = stack.container_registry
    for kind, component in (("artifact store", stack.artifact_store), ("container registry", registry)):
        if component is not None and component.config.is_local:
            return False, f"the {kind} {component.name} is local, and SageMaker cannot reach it; use S3 and ECR"
    return True, ""


def _checkpoints_of(info: StepRunInfo) -> str | None:
    """The prefix in the experiment home, so that a resumed run finds them; none of a pipeline that is no experiment.

    A trial has one of its own: SageMaker copies all that lies below a job's prefix to its machine.
    """
    known = facts_of(info.pipeline.extra, {})
    if "experiment" not in known:
        return None
    if "run_number" not in known:  # a schedule began the run, which has claimed its number since
        known = facts_of(known, Client().get_pipeline_run(info.run_id).run_metadata)
    folder = Home(known["config"]["root"], known["experiment"]).checkpoints(known["run_number"])
    own = model_of(info.pipeline_step_name, names_of_models(known["config"])) or trial_of(info.pipeline_step_name)
    return str(folder if own is None else folder / own)
