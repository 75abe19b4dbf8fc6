"""The model package: weights and tokenizer of a run, and the code that encodes and answers, in Hugging Face's form."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.errors import ServeError
from finetune.serving.archive import pack
from finetune.serving.code import code_of
from finetune.serving.facts import (
    CHECKPOINT,
    CODE,
    FACTS,
    GOLDEN,
    PackageFacts,
    as_json,
    check_golden_requests,
)
from finetune.training.model_folder import ModelFacts, read_facts
from finetune.training.pretrained import checkpoint_files

ENTRY = b'''"""What Hugging Face's inference containers call."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from finetune.serving.inference import input_fn, model_fn, output_fn, predict_fn

__all__ = ["input_fn", "model_fn", "output_fn", "predict_fn"]
'''

Contents = dict[str, Path | bytes]


@dataclass(frozen=True)
class Package:
    """A model package that was written."""

    path: Path
    """The model.tar.gz."""
    sha256: str
    """Of its bytes, as 64 hexadecimal digits."""
    size: int
    """In bytes."""


def write_package(
    model: Path, *, functions: str, labels: Sequence[str], golden: Sequence[Mapping[str, Any]], target: Path
) -> Package:
    """Writes the package of a trained model; equal inputs give equal bytes.

    At its root lies the run's model folder. Its folder `code` holds inference.py, the project's files that it reaches,
    the checkpoint that get_model loads, what a Hugging Face container installs, and the golden requests.

    Args:
        model: A run's model folder.
        functions: The folder of experiments/ whose encode_data and get_model belong to it.
        labels: Its labels in order of class id.
        golden: Real requests with the answers that a server must give, each {"instance": {file name: content},
            "probabilities": {label: probability}}; a content is a text, or JSON that is not a text.
        target: The model.tar.gz to write.

    Raises:
        EvaluateError: The model folder is gone or incomplete.
        ServeError: Functions, labels or golden requests are not those of the model.
        FunctionsError: The functions are not there any more.
        ConfigError: The checkpoint is not there any more.
        ReconcileError: The package cannot be written.
    """
    facts = read_facts(model)
    _check_names(model, facts, functions, labels)
    check_golden_requests(golden, labels)
    pack(target, _contents(model, facts, golden))
    with target.open("rb") as file:
        return Package(target, hashlib.file_digest(file, "sha256").hexdigest(), target.stat().st_size)


def _check_names(model: Path, facts: ModelFacts, functions: str, labels: Sequence[str]) -> None:
    for what, given, trained in (("functions", functions, facts.functions), ("labels", list(labels), facts.labels)):
        if given != trained:
            raise ServeError(f"{what}: must be those that {model} was trained with, {trained!r}, but got {given!r}")


def _contents(model: Path, facts: ModelFacts, golden: Sequence[Mapping[str, Any]]) -> Contents:
    code = code_of(facts.functions)
    files = list(golden[0]["instance"])
    about = PackageFacts(facts.functions, facts.labels, files, code.hash, code.versions)
    inner: Contents = {
        "inference.py": ENTRY,
        "requirements.txt": "".join(f"{name}\n" for name in code.asked).encode(),
        **code.files,
        **{f"{CHECKPOINT}/{name}": path for name, path in _checkpoint(facts).items()},
    }
    return {
        **{path.relative_to(model).as_posix(): path for path in model.rglob("*") if path.is_file()},
        **{f"{CODE}/{name}": content for name, content in inner.items()},
        FACTS: about.text().encode(),
        GOLDEN: as_json(list(golden)).encode(),
    }


def _checkpoint(facts: ModelFacts) -> dict[str, Path]:
    """Packed too, so that an endpoint without internet, in an image without the checkpoint's package, can load it."""
    checkpoint = facts.model.get("checkpoint")
    return {} if checkpoint is None else checkpoint_files(checkpoint)
