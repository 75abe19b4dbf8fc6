"""ZenML's Model Control Plane: a model for each experiment, a version `run-<number>` for each, artifacts linked.

ZenML counts versions by itself, and takes no bare number as a name.
"""

import re
from typing import Any
from uuid import UUID

from zenml.client import Client
from zenml.enums import MetadataResourceTypes
from zenml.models import (
    ModelVersionArtifactRequest,
    ModelVersionPipelineRunRequest,
    ModelVersionResponse,
    RunMetadataResource,
)
from zenml.utils.pagination_utils import depaginate

from finetune.registry.facts import Facts
from finetune.registry.registry import Note, refuse_other
from finetune.registry.stages import Stage
from operators.registries.answering import answering

PREFIX, NAME = "run-", re.compile(r"run-[1-9][0-9]*")
DONE = "package"
"""Metadata of a version that is whole; logged last."""


class ZenmlRegistry:
    """The registry of the ZenML server, or of ZenML's database on this machine, that this process uses."""

    name = "zenml"

    def register(self, facts: Facts) -> str:
        """As Registry says; a version that was left half made is completed."""
        with answering(self.name, f"registering version {facts.run_number}"):
            client = Client()
            version = self._version(facts.experiment, facts.run_number) or self._create(client, facts)
            known: Any = version.run_metadata.get(DONE)
            if known is not None:
                refuse_other(self.name, facts, known["sha256"])
            else:
                self._link(client, version, facts)
            return f"{facts.experiment}:{PREFIX}{facts.run_number}"

    def stages(self, experiment: str) -> dict[int, Stage]:
        """As Registry says; whoever was replaced is archived, which is no stage of ours."""
        with answering(self.name, f"listing the versions of {experiment}"):
            named = {str(each.name): _stage(each.stage) for each in self._versions(experiment)}
            return {int(name.removeprefix(PREFIX)): of for name, of in named.items() if NAME.fullmatch(name)}

    def move(self, experiment: str, version: int, stage: Stage, note: Note) -> None:
        """As Registry says."""
        with answering(self.name, f"moving version {version} of {experiment}"):
            found = self._version(experiment, version)
            if found is None:
                raise KeyError(f"there is no version {version}")
            Client().update_model_version(found.model.id, found.id, stage=stage.value, force=True)

    def _create(self, client: Client, facts: Facts) -> ModelVersionResponse:
        if not client.list_models(name=f"equals:{facts.experiment}").items:
            client.create_model(facts.experiment, description=f"Models of experiment {facts.experiment}")
        return client.create_model_version(
            facts.experiment, name=f"{PREFIX}{facts.run_number}", description=f"The model of run {facts.run_number}"
        )

    def _link(self, client: Client, version: ModelVersionResponse, facts: Facts) -> None:
        store = client.zen_store
        for artifact in facts.zenml_artifacts:
            store.create_model_version_artifact_link(
                ModelVersionArtifactRequest(artifact_version=UUID(artifact), model_version=version.id)
            )
        store.create_model_version_pipeline_run_link(
            ModelVersionPipelineRunRequest(pipeline_run=UUID(facts.zenml_run), model_version=version.id)
        )
        resource = RunMetadataResource(id=version.id, type=MetadataResourceTypes.MODEL_VERSION)
        client.create_run_metadata(_metadata(facts), [resource])

    def _version(self, experiment: str, version: int) -> ModelVersionResponse | None:
        return next(iter(self._versions(experiment, name=f"equals:{PREFIX}{version}", hydrate=True)), None)

    def _versions(self, experiment: str, **asked: Any) -> list[ModelVersionResponse]:
        models = Client().list_models(name=f"equals:{experiment}").items
        return depaginate(Client().list_model_versions, model=models[0].id, **asked) if models else []


def _metadata(facts: Facts) -> dict[str, Any]:
    """What the dashboard shows of a version."""
    known = {
        "git_commit": facts.git_commit,
        "manifest_hash": facts.manifest_hash,
        "dataset_hash": facts.dataset_hash,
        "image": facts.image,
        "metrics": {name: value for name, value in facts.metrics.items() if value is not None},
        "gate": [rule["reason"] for rule in facts.gate["rules"]],
        DONE: dict(facts.package),
    }
    return {name: value for name, value in known.items() if value is not None}


def _stage(stage: str | None) -> Stage:
    return Stage(stage) if stage in (Stage.PRODUCTION, Stage.STAGING) else Stage.NONE
