"""A package's model: it takes files' contents, encodes them as training did, and gives probabilities."""

import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finetune.errors import FinetuneError
from finetune.evaluation.predict import Predictor
from finetune.serving.answers import Answer
from finetune.serving.facts import CHECKPOINT, CODE, read_package
from finetune.serving.refused import Rejected
from finetune.serving.requests import Instance
from finetune.words import one_line

MEMORY = "/dev/shm"

Examples = list[dict[str, Any]]


class PackagedModel:
    """The model of an unpacked package. It is called by one thread."""

    def __init__(self, folder: Path) -> None:
        """Loads it.

        Raises:
            ServeError: The folder is no package.
            EvaluateError: It is incomplete, or its model does not fit its get_model.
            FunctionsError: Its functions cannot be imported.
        """
        self.facts = read_package(folder)
        self._code = folder / CODE
        checkpoint = self._code / CHECKPOINT
        self._predictor = Predictor(folder, str(checkpoint) if checkpoint.is_dir() else None)

    def answer(self, instances: Sequence[Instance | Rejected]) -> list[Answer]:
        """Answers each instance; one that encode_data drops, or raises on, is rejected and leaves the others alone."""
        encoded = [each if isinstance(each, Rejected) else self._encode(each) for each in instances]
        good = {index: each for index, each in enumerate(encoded) if not isinstance(each, Rejected)}
        scored = self._score(good)
        return [each if isinstance(each, Rejected) else scored[index] for index, each in enumerate(encoded)]

    def _encode(self, instance: Instance) -> Examples | Rejected:
        with tempfile.TemporaryDirectory(prefix="instance-", dir=_room(sum(map(len, instance.values())))) as folder:
            try:
                examples = self._predictor.encode(_written(instance, folder), "this instance")
            except FinetuneError as error:
                return Rejected(self._without_places(error, folder))
        return examples or Rejected("encode_data drops this instance: it returned None, or no examples")

    def _score(self, encoded: Mapping[int, Examples]) -> dict[int, Answer]:
        """Scores all at once; where the model fails on some of them, each alone, so that the others are answered."""
        if not encoded:
            return {}
        try:
            rows = self._predictor.score(list(encoded.values()))
        except Exception as error:  # whatever get_model's forward raises
            if len(encoded) == 1:
                reason = f"the model fails on this instance: {type(error).__name__}: {one_line(error)}"
                return dict.fromkeys(encoded, Rejected(reason))
            return {index: answer for one in encoded for index, answer in self._score({one: encoded[one]}).items()}
        return {index: _finite(row or {}) for index, row in zip(encoded, rows, strict=True)}

    def _without_places(self, error: FinetuneError, folder: str) -> str:
        """The message without the folders of this machine, which say nothing to who sent the request."""
        return str(error).replace(f"{folder}{os.sep}", "").replace(f"{self._code}{os.sep}", "")


def _room(size: int) -> str | None:
    """Memory where that many bytes fit twice: a disk takes longer to remove a folder than a short text to encode."""
    try:
        status = os.statvfs(MEMORY)
    except OSError:
        return None
    fits = status.f_bavail * status.f_frsize > 2 * size
    return MEMORY if fits and os.access(MEMORY, os.W_OK) else None


def _written(instance: Instance, folder: str) -> dict[str, str]:
    paths = {name: os.path.join(folder, name) for name in instance}
    for name, content in instance.items():
        with open(paths[name], "wb") as file:
            file.write(content)
    return paths


def _finite(row: dict[str, float]) -> Answer:
    if all(math.isfinite(value) for value in row.values()):
        return row
    return Rejected("the model gives no probabilities for this instance: they are not numbers")
