"""What a rehearsal is told at its start: account, region, images, hidden folders, times."""

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

ACCOUNT = "123456789012"
REPOSITORY, TAG = "finetune", "rehearsal"
# The SageMaker SDK sends reasons of failures and the account's number to a bucket of AWS unless told not to.
SDK_SETTINGS = "SchemaVersion: '1.0'\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n"
SOURCE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Image:
    """What stands for a container image.

    files: path in the container -> folder of this machine, copied for every job.
    python: the interpreter; its folder comes first in PATH, so that `python` and installed programs are found.
    train, process: the image's own entrypoint, where the request names none.
    serve: its program that serves a model.
    kept: further folders of this machine that the image's programs need, should they lie in a hidden folder.
    """

    files: dict[str, str] = field(default_factory=dict)
    python: str = sys.executable
    environment: dict[str, str] = field(default_factory=lambda: {"PYTHONUNBUFFERED": "TRUE"})
    train: list[str] = field(default_factory=lambda: ["train"])
    process: list[str] = field(default_factory=lambda: ["process"])
    serve: list[str] = field(default_factory=lambda: ["serve"])
    kept: list[str] = field(default_factory=list)
    folder: str = "/"


@dataclass(frozen=True)
class Settings:
    """A rehearsal's settings.

    images: image URI -> what runs; the URI `*` stands for all others.
    hidden: folders that jobs see empty, beside the checkout, the caller's home and working folder, and the rehearsal.
    stop_grace_s: seconds between SIGTERM and SIGKILL; AWS gives 120.
    sync_s: seconds between two uploads of checkpoints and continuous outputs.
    health_s: seconds that a model's container has to answer /ping, where its endpoint's configuration says nothing.
    bucket, role, scheduler_role: made at the start, so that there is something to work with.
    zenml: whether it has a ZenML server, with the stack `rehearsal` registered; AWS alone is up in half the time.
    project: the folder whose rooms (steps, pipelines, ...) the image `image_uri` holds, where there is a ZenML server.
    """

    region: str = "us-east-1"
    bucket: str = "rehearsal"
    role: str = "rehearsal-execution"
    scheduler_role: str = "rehearsal-scheduler"
    images: dict[str, Image] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    stop_grace_s: float = 120.0
    sync_s: float = 2.0
    health_s: float = 480.0
    zenml: bool = True
    project: str = str(SOURCE)

    @property
    def image_uri(self) -> str:
        """The URI of the project's image, which stands in the rehearsal's ECR."""
        return f"{ACCOUNT}.dkr.ecr.{self.region}.amazonaws.com/{REPOSITORY}:{TAG}"

    @property
    def role_arn(self) -> str:
        """The ARN of the role that is made at the start."""
        return f"arn:aws:iam::{ACCOUNT}:role/{self.role}"

    def save(self, file: Path) -> None:
        """Writes them as JSON."""
        file.write_text(json.dumps(asdict(self), indent=2))

    @classmethod
    def load(cls, file: Path) -> Self:
        """Reads what `save` wrote."""
        values = json.loads(file.read_text())
        images = {uri: Image(**image) for uri, image in values.pop("images").items()}
        return cls(images=images, **values)


def always_hidden(folder: Path) -> list[str]:
    """What no job may see: the checkout, the caller's home, working folder and ZenML settings, and the rehearsal."""
    places = {SOURCE, Path.home(), Path.cwd(), folder, Path(os.environ.get("ZENML_CONFIG_PATH") or folder)}
    return sorted(str(place.resolve()) for place in places if place.resolve() != Path("/"))
