"""MLflow's Model Registry: a registered model for each experiment; its aliases are `run-7`, `production`, `staging`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from finetune.config.tracking import SQLITE
from finetune.errors import RegistryError
from finetune.registry.facts import PACKAGE, Facts
from finetune.registry.registry import Note, refuse_other
from finetune.registry.stages import Stage
from finetune.storage.uri import is_s3
from finetune.tracking.mlflow_claim import chosen, turns_of
from finetune.tracking.mlflow_rules import clean
from finetune.tracking.mlflow_tracker import client_of
from finetune.tracking.settings import Credentials
from operators.registries.answering import answering

NUMBER, SHA256 = "run_number", "package_sha256"
"""Tags with the run number, since MLflow counts versions by itself, and with what was registered."""
WHY, AT, BY = "finetune.stage", "finetune.stage_at", "finetune.stage_by"
"""Tags of a version that changed its stage."""
FOLDER = "registered"


class MlflowRegistry:
    """The registry of an MLflow server or database."""

    name = "mlflow"

    def __init__(self, uri: str, credentials: Credentials) -> None:
        """Reaches nobody yet."""
        self._uri, self._credentials = uri, credentials

    def register(self, facts: Facts) -> str:
        """As Registry says; the alias `run-<number>` is set last."""
        experiment, alias = facts.experiment, f"run-{facts.run_number}"
        with self._asking(f"registering version {facts.run_number}"):
            client = client_of(self._uri)
            if not client.search_registered_models(f"name='{experiment}'"):
                client.create_registered_model(experiment, description=f"Models of experiment {experiment}")
            version = self._numbers(client, experiment).get(facts.run_number)
            if version is None:
                version = self._create(client, facts)
            else:
                refuse_other(self.name, facts, client.get_model_version(experiment, version).tags.get(SHA256))
            if alias not in client.get_registered_model(experiment).aliases:
                client.set_registered_model_alias(experiment, alias, version)
            return f"models:/{experiment}@{alias}"

    def stages(self, experiment: str) -> dict[int, Stage]:
        """As Registry says."""
        with self._asking(f"listing the versions of {experiment}"):
            client = client_of(self._uri)
            numbers = self._numbers(client, experiment)
            if not numbers:
                return {}
            aliases = client.get_registered_model(experiment).aliases
            held = {str(version): Stage(alias) for alias, version in aliases.items() if alias in set(Stage)}
            return {number: held.get(version, Stage.NONE) for number, version in numbers.items()}

    def move(self, experiment: str, version: int, stage: Stage, note: Note) -> None:
        """As Registry says; a stage is an alias."""
        with self._asking(f"moving version {version} of {experiment}"):
            client = client_of(self._uri)
            number = self._numbers(client, experiment)[version]
            for name, value in ((WHY, note.text), (AT, note.at), (BY, note.by)):
                client.set_model_version_tag(experiment, number, name, value)
            for alias, at in client.get_registered_model(experiment).aliases.items():
                if alias in set(Stage) and str(at) == number and alias != stage:
                    client.delete_registered_model_alias(experiment, alias)
            if stage is not Stage.NONE:
                client.set_registered_model_alias(experiment, stage.value, number)

    def _create(self, client: Any, facts: Facts) -> str:
        run = self._run(client, facts)
        made = client.create_model_version(
            facts.experiment,
            self._source(client, facts, run),
            run_id=run and run.info.run_id,
            tags=_tags(facts),
            description=f"The model of run {facts.run_number}",
        )
        return str(made.version)

    def _run(self, client: Any, facts: Facts) -> Any:
        """The run that the trackers logged into; None where there is none."""
        there = client.get_experiment_by_name(facts.experiment)
        if there is None:
            return None
        number = f"{facts.experiment}/{facts.run_number}"
        run = chosen(turns_of(client, there.experiment_id, number, facts.created))
        return run and client.get_run(run)

    def _source(self, client: Any, facts: Facts, run: Any) -> str:
        """The package's folder; a server does not reach a folder of this machine, so it gets the package."""
        folder = str(facts.package["uri"]).removesuffix(f"/{PACKAGE}")
        if is_s3(folder) or self._uri.startswith(SQLITE):
            return folder
        if run is None:
            raise RegistryError(
                f"mlflow at {self._uri} has no run {facts.run_number} of {facts.experiment} to put the package into; "
                "look whether it answered while the run was tracked"
            )
        client.log_artifact(run.info.run_id, f"{folder}/{PACKAGE}", FOLDER)
        return f"{run.info.artifact_uri}/{FOLDER}"

    def _numbers(self, client: Any, experiment: str) -> dict[int, str]:
        """MLflow's version by run number."""
        found: dict[int, str] = {}
        token: str | None = ""
        while token is not None:
            page = client.search_model_versions(f"name='{experiment}'", page_token=token or None)
            found |= {int(each.tags[NUMBER]): str(each.version) for each in page if NUMBER in each.tags}
            token = page.token or None
        return found

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        with self._credentials.in_environment(), answering(self.name, doing):
            yield


def _tags(facts: Facts) -> dict[str, str]:
    known = {
        NUMBER: facts.run_number,
        "git_commit": facts.git_commit,
        "manifest_hash": facts.manifest_hash,
        "dataset_hash": facts.dataset_hash,
        "image": facts.image,
        SHA256: facts.package["sha256"],
        "gate": "passed",
        **{clean(f"metric.{name}"): value for name, value in facts.metrics.items()},
    }
    return {name: str(value) for name, value in known.items() if value is not None}
