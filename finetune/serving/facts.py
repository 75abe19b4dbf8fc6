"""What a package says of itself beside the model: whose functions it holds, of which code, and how to check it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune.errors import ServeError

FORMAT = 1
"""Counted up when an older server could not serve a newer package, or the other way round."""
CODE = "code"
"""The package's folder of code."""
CHECKPOINT = "checkpoint"
"""Folder in it with the pretrained checkpoint that get_model and encode_data load."""
FACTS = f"{CODE}/package.json"
GOLDEN = f"{CODE}/golden.json"


@dataclass(frozen=True)
class PackageFacts:
    """A package's package.json."""

    functions: str
    """Folder of experiments/."""
    labels: list[str]
    """In order of class id."""
    files: list[str]
    """Names of the files of an instance, as its golden requests have them: the columns of a CSV without a header."""
    code: str
    """Hash of encode_data and get_model with all that they reach."""
    versions: dict[str, str]
    """Of the installed packages that its code imports."""
    format: int = FORMAT

    def text(self) -> str:
        """As package.json has it."""
        return as_json(asdict(self))


def read_package(folder: Path) -> PackageFacts:
    """Reads the facts of an unpacked package.

    Raises:
        ServeError: It is none, or one of another format.
    """
    with _whole(folder, FACTS):
        facts = PackageFacts(**json.loads((folder / FACTS).read_text(encoding="utf-8")))
    if facts.format != FORMAT:
        raise ServeError(
            f"{folder / FACTS}: format must be {FORMAT}, but got {facts.format}: another version of the project packed "
            f"it; serve it with that version, or register the run again"
        )
    return facts


def read_golden(folder: Path) -> list[dict[str, Any]]:
    """Reads the golden requests of an unpacked package.

    Raises:
        ServeError: They are gone.
    """
    with _whole(folder, GOLDEN):
        return list(json.loads((folder / GOLDEN).read_text(encoding="utf-8")))


@contextmanager
def _whole(folder: Path, name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError) as error:
        raise ServeError(
            f"{folder} is no model package of this project: cannot read {name} there ({error}); register the run "
            f"again, which packs it anew"
        ) from error


def check_golden_requests(golden: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> None:
    """Refuses golden requests that say nothing about a model with these labels.

    Raises:
        ServeError: There is none, one has no files, or its probabilities are of other labels.
    """
    if not golden:
        raise ServeError("a package needs at least one golden request, by which a server checks that it answers alike")
    for index, each in enumerate(golden):
        if not isinstance(each.get("instance"), Mapping) or not each["instance"]:
            raise ServeError(f"golden request {index}: instance must hold files by name, but got {each!r:.200}")
        if sorted(each.get("probabilities") or ()) != sorted(labels):
            raise ServeError(
                f"golden request {index}: must have a probability of each label ({', '.join(labels)}), and of no "
                f"other, but got {each.get('probabilities')!r:.200}"
            )


def as_json(value: Any) -> str:
    """JSON as the package's files have it: equal values give equal bytes."""
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
