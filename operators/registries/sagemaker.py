"""SageMaker's Model Registry: a package group for each experiment, a package for each run.

Production is AWS's approval `Approved`, for which deployments of AWS's own may wait; all else `PendingManualApproval`.
"""

import uuid
from collections.abc import Callable
from typing import Any

from finetune.errors import RegistryError
from finetune.registry.facts import Facts
from finetune.registry.registry import Note, refuse_other
from finetune.registry.stages import Stage
from finetune.storage.uri import is_s3
from operators.registries.answering import answering

APPROVED, PENDING = "Approved", "PendingManualApproval"
PROPERTIES = "CustomerMetadataProperties"
RUN, SHA256, STAGE, AT, BY = "run", "package_sha256", "stage", "stage_at", "stage_by"
"""Those properties: run number, what was registered, and the stage, with who set it and when."""
TYPES = ["application/json", "application/jsonlines", "text/csv"]


class SagemakerRegistry:
    """The registry of one account and region."""

    name = "sagemaker"

    def __init__(self, client: Callable[[], Any]) -> None:
        """Takes what gives the boto3 client of SageMaker."""
        self._client = client

    def register(self, facts: Facts) -> str:
        """As Registry says."""
        with answering(self.name, f"registering version {facts.run_number}"):
            known = self._packages(facts.experiment, create=True).get(facts.run_number)
            if known is None:
                return self._create(facts)
            refuse_other(self.name, facts, known[PROPERTIES].get(SHA256))
            return str(known["ModelPackageArn"])

    def stages(self, experiment: str) -> dict[int, Stage]:
        """As Registry says."""
        with answering(self.name, f"listing the packages of {experiment}"):
            return {run: stage_of(package) for run, package in self._packages(experiment).items()}

    def move(self, experiment: str, version: int, stage: Stage, note: Note) -> None:
        """As Registry says."""
        with answering(self.name, f"moving version {version} of {experiment}"):
            package = self._packages(experiment)[version]
            self._client().update_model_package(
                ModelPackageArn=package["ModelPackageArn"],
                ModelApprovalStatus=APPROVED if stage is Stage.PRODUCTION else PENDING,
                ApprovalDescription=f"{note.text}, by {note.by} at {note.at}",
                CustomerMetadataProperties={STAGE: stage.value, AT: note.at, BY: note.by},
            )

    def _create(self, facts: Facts) -> str:
        made = self._client().create_model_package(**package_request(facts))
        return str(made["ModelPackageArn"])

    def _packages(self, experiment: str, *, create: bool = False) -> dict[int, dict[str, Any]]:
        """What AWS says of each package of the experiment's group, by run number."""
        client = self._client()
        groups = client.get_paginator("list_model_package_groups").paginate(NameContains=experiment)
        names = {each["ModelPackageGroupName"] for page in groups for each in page["ModelPackageGroupSummaryList"]}
        if experiment not in names:
            if create:
                told = f"Models of experiment {experiment}"
                client.create_model_package_group(ModelPackageGroupName=experiment, ModelPackageGroupDescription=told)
            return {}
        pages = client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=experiment)
        arns = [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]
        known = [client.describe_model_package(ModelPackageName=arn) for arn in arns]
        numbered = [(each.get(PROPERTIES, {}).get(RUN), each) for each in known]
        return {int(run): package for run, package in numbered if run is not None}


def stage_of(package: dict[str, Any]) -> Stage:
    """The stage of a package; one that somebody approved in Studio is in production, too."""
    if package.get("ModelApprovalStatus") == APPROVED:
        return Stage.PRODUCTION
    said = package.get(PROPERTIES, {}).get(STAGE)
    return Stage.STAGING if said == Stage.STAGING else Stage.NONE


def package_request(facts: Facts) -> dict[str, Any]:
    """The request that creates a package. Pure: equal facts give an equal request, which AWS carries out once.

    Raises:
        RegistryError: The package lies where SageMaker cannot reach it, or no image is known to run it.
    """
    if facts.image is None or not is_s3(facts.package["uri"]):
        raise RegistryError(
            f"sagemaker takes packages in S3 with an image, but got {facts.package['uri']} with {facts.image}; "
            "register from a run on AWS"
        )
    properties = {
        "experiment": facts.experiment,
        RUN: str(facts.run_number),
        "git_commit": facts.git_commit,
        "manifest_hash": facts.manifest_hash,
        "dataset_hash": facts.dataset_hash,
        "image_digest": facts.image.rpartition("@")[2],
        SHA256: facts.package["sha256"],
        STAGE: Stage.NONE.value,
    }
    return {
        "ModelPackageGroupName": facts.experiment,
        "ModelPackageDescription": f"The model of run {facts.run_number}",
        "InferenceSpecification": {
            "Containers": [{"Image": facts.image, "ModelDataUrl": facts.package["uri"]}],
            "SupportedContentTypes": TYPES,
            "SupportedResponseMIMETypes": TYPES,
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": facts.statistics}}
        },
        PROPERTIES: {name: value for name, value in properties.items() if value},
        "ModelApprovalStatus": PENDING,
        "ClientToken": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{facts.package['uri']}#{facts.package['sha256']}")),
        **({"MetadataProperties": {"CommitId": facts.git_commit}} if facts.git_commit else {}),
    }
