"""What a model package says of itself, read without unpacking it: golden requests, and the files of an instance."""

import json
import tarfile
from pathlib import Path
from typing import Any

from finetune.errors import ServeError
from finetune.serving.facts import FACTS, GOLDEN


def golden_requests(archive: Path) -> list[dict[str, Any]]:
    """Its golden requests, each with the probabilities that it must give.

    Raises:
        ServeError: It is absent, torn or no package.
    """
    found: list[dict[str, Any]] = _member(archive, GOLDEN)
    return found


def files_of_instances(archive: Path) -> list[str]:
    """Names of the files that an instance has.

    Raises:
        ServeError: It is absent, torn or no package.
    """
    return list(_member(archive, FACTS)["files"])


def labels_of(archive: Path) -> list[str]:
    """The labels in order of class id.

    Raises:
        ServeError: It is absent, torn or no package.
    """
    return list(_member(archive, FACTS)["labels"])


def _member(archive: Path, name: str) -> Any:
    try:
        with tarfile.open(archive, "r:gz") as file:
            content = file.extractfile(name)
            if content is None:
                raise KeyError(f"{name} is no file")
            return json.loads(content.read())
    except (OSError, EOFError, tarfile.TarError, KeyError, ValueError) as error:
        raise ServeError(
            f"{archive} is no model package of this project ({error!r}); register the run again"
        ) from error
