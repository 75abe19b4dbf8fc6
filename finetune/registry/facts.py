"""The facts of a registered model, model.json: all that any registry is told stands here, once."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from finetune.errors import RegistryError
from finetune.experiment import Home

FILE, PACKAGE, STATISTICS = "model.json", "model.tar.gz", "statistics.json"
"""Names in the folder of a version; the last is what SageMaker's registry reads."""

Scores = Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A version: the model of one run."""

    experiment: str
    run_number: int
    """Also the version's number."""
    model: str | None
    """Its name, where the run has several models."""
    functions: str
    labels: list[str]
    created: str
    """When the run was claimed, ISO 8601."""
    stack: str
    git_commit: str | None
    manifest_hash: str
    dataset_hash: str
    image: str | None
    """The image that the steps ran in, by digest."""
    metrics: Scores
    """On the test split; None stands for what is no number."""
    baselines: Mapping[str, Scores]
    gate: Mapping[str, Any]
    """The gate's verdict: passed, and rules with value, what was required, and reason."""
    artifacts: Mapping[str, str]
    """Places of the run's artifacts that belong to the model, by name."""
    zenml_artifacts: list[str]
    """Ids of all artifact versions of the run."""
    zenml_run: str
    package: Mapping[str, Any]
    """uri, sha256 and size of model.tar.gz."""
    statistics: str
    """Place of the statistics alone, as SageMaker reads them."""
    model_quality: Mapping[str, Any] = field(default_factory=dict)
    """The statistics: `multiclass_classification_metrics`."""

    def text(self) -> str:
        """As the file holds it."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def finite(scores: Mapping[str, float]) -> dict[str, float | None]:
    """Scores as JSON can hold them."""
    return {name: value if math.isfinite(value) else None for name, value in scores.items()}


def write_facts(home: Home, facts: Facts) -> None:
    """Writes the statistics, and then model.json, by which the version is there."""
    folder = home.model(facts.run_number)
    home.storage.claim(str(folder))  # it may be there
    home.storage.write(str(folder / STATISTICS), json.dumps(facts.model_quality, indent=2).encode())
    home.storage.write(str(folder / FILE), facts.text().encode())


def versions(home: Home) -> list[int]:
    """The versions that are there, in order."""
    known = sorted(int(name) for name in home.storage.folders(str(home.models)) if name.isdecimal())
    return [number for number in known if home.storage.exists(str(home.model(number) / FILE))]


def read_facts(home: Home, version: int) -> Facts:
    """Reads the facts of a version.

    Raises:
        RegistryError: There is no such version, its files are gone, or the file is of another code version.
    """
    path = home.model(version) / FILE
    content = home.storage.read(str(path))
    if content is None:
        known = ", ".join(map(str, versions(home))) or "none"
        raise RegistryError(
            f"version {version} of {home.experiment}: there is no {path}: its run registered no model, which it does "
            f"if the model passes register.gate (registered: {known})"
        )
    try:
        return Facts(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise RegistryError(
            f"{path} cannot be read: {error}; it was written by another version of the code: register it again"
        ) from error


def check_package(home: Home, version: int) -> None:
    """Looks whether the package of a version is there, and whole by its size.

    Raises:
        RegistryError: It is gone, or another one.
    """
    path, wanted = home.model(version) / PACKAGE, read_facts(home, version).package["size"]
    found = home.storage.find(str(path))
    if found is None or found.size != wanted:
        told = "is gone" if found is None else f"has {found.size:,} bytes, and {wanted:,} were registered"
        raise RegistryError(f"version {version} of {home.experiment}: {path} {told}; register a new run")
