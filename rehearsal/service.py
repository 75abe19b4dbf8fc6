"""SageMaker in one region: which calls the rehearsal answers itself, and their common path. All others are moto's."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from rehearsal.account import Account
from rehearsal.endpoints.api import Endpoints
from rehearsal.feature_store.api import FeatureGroups
from rehearsal.jobs.checks import WARM_POOL, check_processing, check_quota, check_training, cluster
from rehearsal.jobs.job import PROCESSING, TRAINING, TRANSFORM, Job, Kind
from rehearsal.jobs.processing import run_processing
from rehearsal.jobs.registry import Registry
from rehearsal.jobs.training import run_training
from rehearsal.models import Models
from rehearsal.packages import Packages
from rehearsal.pipelines.api import Pipelines
from rehearsal.pipelines.steps import StepRunner
from rehearsal.settings import ACCOUNT
from rehearsal.tags import Tags
from rehearsal.transform.checks import check_transform
from rehearsal.transform.run import run_transform
from rehearsal.tuning.api import Tunings
from rehearsal.validate import validate

Request = dict[str, Any]
Answer = dict[str, Any]
RUN = {TRAINING: run_training, PROCESSING: run_processing}


class Service:
    """The calls that must run something, with what they remember."""

    def __init__(self, account: Account, region: str) -> None:
        self.account, self.region = account, region
        self.tags = Tags()
        self.jobs = {kind: Registry(kind) for kind in (TRAINING, PROCESSING, TRANSFORM)}
        self._calls: dict[str, Callable[[Request], Answer]] = {}
        for kind in self.jobs:
            self._calls |= self._calls_of(kind)
        self.models = Models(account, self.tags, self.arn)
        self.endpoints = Endpoints(account, self.models, self.tags, self.arn)
        self._calls |= self.models.calls | self.endpoints.calls
        pipelines = Pipelines(account, StepRunner(account, self), self.tags, self.arn)
        self._calls |= pipelines.calls | Tunings(self, self.tags, self.arn).calls
        self.feature_store = FeatureGroups(account, self.tags, region, self.arn)
        self._calls |= self.feature_store.calls
        self._packages = Packages(account, self.tags, self.arn)
        self._calls |= {"AddTags": self.tags.add, "ListTags": self.tags.list, "DeleteTags": self.tags.delete}

    def answers(self, operation: str, request: Request) -> bool:
        """Whether this call is the rehearsal's own; tags only of what it has made."""
        if operation.endswith("Tags"):
            return self.tags.has(str(request.get("ResourceArn")))
        return operation in self._calls or self._packages.answers(operation, request)

    def call(self, operation: str, request: Request) -> Answer:
        """Checks the request and answers it.

        Raises:
            ServiceError: As AWS answers.
        """
        validate(operation, request)
        return (self._calls.get(operation) or self._packages.calls[operation])(request)

    def arn(self, resource: str, name: str) -> str:
        """The ARN of something in this account and region."""
        return f"arn:aws:sagemaker:{self.region}:{ACCOUNT}:{resource}/{name}"

    def create_valid_job(self, kind: Kind, request: Request) -> Job:
        """The same as a client's call: validates the request, too."""
        validate(f"Create{kind.name}Job", request)
        return self.create_job(kind, request)

    def check_valid_training(self, request: Request, at_once: int) -> None:
        """Checks that so many training jobs with this request could start, and starts none.

        Raises:
            ServiceError: As for one that is created.
        """
        validate("CreateTrainingJob", request)
        check_training(self.account, self.region, request)
        self._check_quotas(TRAINING, request, at_once)

    def create_job(self, kind: Kind, request: Request) -> Job:
        """Checks, remembers and starts a job.

        Raises:
            ServiceError: Role, image, input, quota or name are refused.
        """
        job = Job(kind, request, self.arn(kind.arn, request[kind.member("Name")]))
        if kind is TRAINING:
            check_training(self.account, self.region, request)
            # The service answers a key that was not given as "", which the SDK's `attach` reads.
            output = {"KmsKeyId": ""} | request["OutputDataConfig"]
            job.update(ModelArtifacts={"S3ModelArtifacts": ""}, OutputDataConfig=output)
            job.enter("Starting", "Preparing the instances for training")
        elif kind is TRANSFORM:
            check_transform(self.account, self.models, self.region, request)
        else:
            check_processing(self.account, self.region, request)
        self.jobs[kind].add(job, lambda: self._check_quotas(kind, request))
        self.tags.set(job.arn, request.get("Tags") or [])
        run = partial(run_transform, model=self.models.model(request["ModelName"])) if kind is TRANSFORM else RUN[kind]
        threading.Thread(target=run, args=(self.account, job), name=job.name, daemon=True).start()
        return job

    def _calls_of(self, kind: Kind) -> dict[str, Callable[[Request], Answer]]:
        jobs, name = self.jobs[kind], kind.member("Name")

        def stop(request: Request) -> Answer:
            jobs.get(request[name]).stop()
            return {}

        return {
            f"Create{kind.name}Job": lambda request: {kind.member("Arn"): self.create_job(kind, request).arn},
            f"Describe{kind.name}Job": lambda request: jobs.get(request[name]).describe(),
            f"List{kind.name}Jobs": jobs.list,
            f"Stop{kind.name}Job": stop,
        }

    def _check_quotas(self, kind: Kind, request: Request, at_once: int = 1) -> None:
        wanted = cluster(request)
        instance, count = wanted.get("InstanceType", ""), wanted.get("InstanceCount", 1) * at_once
        usage = "spot training job" if request.get("EnableManagedSpotTraining") else f"{kind.name.lower()} job"
        running = [job for job in self.jobs[kind].all() if _usage_is_spot(job) == _is_spot(request)]
        check_quota(self.account, usage, instance, count, running)
        if wanted.get("KeepAlivePeriodInSeconds"):
            check_quota(self.account, WARM_POOL, instance, count, [])


def _is_spot(request: Request) -> bool:
    return bool(request.get("EnableManagedSpotTraining"))


def _usage_is_spot(job: Job) -> bool:
    return _is_spot(job.request)
