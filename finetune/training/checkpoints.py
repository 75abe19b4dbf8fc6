"""A run's checkpoints on disk: each appears whole, is verified before it is used, and the newest few stay. No torch."""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xxhash

from finetune.errors import TrainError
from finetune.progress import say

MANIFEST = "checkpoint.json"
"""Sizes and hashes of the other files of a checkpoint; written last."""
NAME = re.compile(r"checkpoint-(\d+)")
WRITING = ".writing"
NEARLY_FULL = 2**20
"""Bytes free at which a failed write is taken for a full disk: what writes tensors hides the system's own error."""
_PIECE = 2**24


@dataclass(frozen=True)
class Checkpoint:
    """One that is whole."""

    folder: Path
    step: int
    """Optimiser steps done."""
    facts: dict[str, Any]
    """What was said of it when it was written."""


class Checkpoints:
    """The folder of one training's checkpoints.

    Each is a folder `checkpoint-<step>`, the name that transformers gives them. It is written beside and renamed, so a
    killed process leaves none that is torn; a copy of the folder, such as SageMaker's in S3, may hold one all the same.
    """

    def __init__(self, folder: Path, *, keep: int) -> None:
        """Takes the folder, which need not exist, and how many of the newest to keep."""
        self.folder, self._keep = folder, keep

    @contextmanager
    def writing(self, step: int, facts: Mapping[str, Any]) -> Iterator[Path]:
        """Gives a folder whose `checkpoint-<step>`, which the caller fills, is the checkpoint when the block ends.

        Raises:
            TrainError: The disk is full.
        """
        scratch, target = self.folder / WRITING, self.of_step(step)
        shutil.rmtree(scratch, ignore_errors=True)
        made = scratch / target.name
        try:
            made.mkdir(parents=True)
            yield scratch
            _write_manifest(made, step, facts)
            shutil.rmtree(target, ignore_errors=True)
            made.rename(target)
        except Exception as error:
            if shutil.disk_usage(self.folder).free > NEARLY_FULL:
                raise
            raise TrainError(
                f"train: the checkpoint of step {step} cannot be written: the disk of {self.folder} is full; make "
                f"room, or set root: to a larger disk, and go on with the same run number: earlier checkpoints stay"
            ) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def of_step(self, step: int) -> Path:
        """The folder of a step's checkpoint."""
        return self.folder / f"checkpoint-{step}"

    def newest(self) -> Checkpoint | None:
        """The newest one that is whole; it is said of each newer one why it is not used."""
        shutil.rmtree(self.folder / WRITING, ignore_errors=True)
        for step in sorted(self._steps(), reverse=True):
            problem, facts = _problem(self.of_step(step))
            if problem is None:
                return Checkpoint(self.of_step(step), step, facts)
            say(f"train: the checkpoint of step {step} is not used: {problem}")
        return None

    def check(self, step: int) -> None:
        """Verifies one that a later one needs.

        Raises:
            TrainError: It is not whole.
        """
        problem, _ = _problem(self.of_step(step))
        if problem is not None:
            raise TrainError(
                f"train: the best model so far, {self.of_step(step)}, cannot be used: {problem}; remove {self.folder}, "
                f"and training starts anew"
            )

    def forget(self, best: int | None) -> None:
        """Removes all but the newest few and that of the best step."""
        for step in sorted(self._steps(), reverse=True)[self._keep :]:
            if step != best:
                shutil.rmtree(self.of_step(step), ignore_errors=True)

    def _steps(self) -> list[int]:
        names = os.listdir(self.folder) if self.folder.is_dir() else []
        return [int(found[1]) for name in names if (found := NAME.fullmatch(name))]


def _write_manifest(folder: Path, step: int, facts: Mapping[str, Any]) -> None:
    files = {path.name: [path.stat().st_size, _hash(path)] for path in sorted(folder.iterdir())}
    text = json.dumps({"step": step, "facts": dict(facts), "files": files}, indent=2)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _problem(folder: Path) -> tuple[str | None, dict[str, Any]]:
    """Why a checkpoint is not whole, or none, with its facts."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files, facts = dict(manifest["files"]), dict(manifest["facts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{MANIFEST} cannot be read ({error})", {}
    for name, (size, digest) in files.items():
        path = folder / name
        found = path.stat().st_size if path.is_file() else None
        if found is None:
            return f"{name} is missing", facts
        if found != size:
            return f"{name} must have {size:,} bytes, but has {found:,}", facts
        if _hash(path) != digest:
            return f"the content of {name} has changed since it was written", facts
    return None, facts


def _hash(path: Path) -> str:
    """XXH3 (Collet 2019), 128 bits: it finds torn files at the disk's speed; it is no signature."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
