"""Finds a pretrained checkpoint: in an installed Python package, in a local folder, or on the Hugging Face hub."""

import hashlib
import importlib.util
from collections.abc import Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from finetune.errors import ConfigError
from finetune.training.lora import with_lora
from finetune.words import one_line

PACKAGE = "package:"
CONFIG, WEIGHTS = "config.json", "model.safetensors"
OTHER_FORMATS = ["*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.onnx*", "*.ot", "*.tflite", "openvino/*"]
"""Files of a hub checkpoint that are not fetched: the same weights for other libraries, or as a pickle."""


@cache
def checkpoint_folder(checkpoint: str, sha256: str | None = None) -> str:
    """Gives the local folder of a checkpoint; a hub id is downloaded, the two other kinds never touch the network.

    Args:
        checkpoint: `package:<python package>/<folder>`, a local folder, or a hub id.
        sha256: Expected SHA-256 of the folder's model.safetensors; None leaves it unchecked.

    Raises:
        ConfigError: The package or folder is missing, or the weights have another hash.
    """
    folder = _find(checkpoint)
    if sha256 is not None:
        _check_hash(checkpoint, folder / WEIGHTS, sha256)
    return str(folder)


def checkpoint_files(checkpoint: str) -> dict[str, Path]:
    """The files of a checkpoint by their path in its folder, but for other formats of the weights and hidden ones.

    Raises:
        ConfigError: As `checkpoint_folder`.
    """
    folder = Path(checkpoint_folder(checkpoint))
    names = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path for name, path in names.items() if not _left_out(name)}


def _left_out(name: str) -> bool:
    hidden = any(part.startswith(".") for part in name.split("/"))
    return hidden or any(fnmatch(name, pattern) for pattern in OTHER_FORMATS)


def load_pretrained(
    kind: Any, checkpoint: str, sha256: str | None = None, *, lora: Mapping[str, Any] | None = None, **settings: Any
) -> Any:
    """Loads a checkpoint's model or tokenizer with a class of transformers.

    Args:
        kind: The class, such as AutoModel or AutoTokenizer.
        checkpoint: As for `checkpoint_folder`.
        sha256: As for `checkpoint_folder`.
        lora: Settings of peft's LoraConfig, to train low-rank adapters instead of all weights; None trains all.
        settings: Of `kind.from_pretrained`.

    Raises:
        ConfigError: As `checkpoint_folder`, the class cannot load what the folder holds, or lora does not fit.
    """
    folder = checkpoint_folder(checkpoint, sha256)
    try:
        model = kind.from_pretrained(folder, **settings)
    except Exception as error:  # transformers raises of any kind, and so do the libraries below it
        cause = one_line(error) if Path(folder, CONFIG).is_file() else f"it holds no {CONFIG}"
        raise ConfigError(
            f"model.checkpoint: {kind.__name__} cannot load {checkpoint!r}: {cause}; name a folder that "
            f"save_pretrained wrote, or a hub id"
        ) from error
    return model if lora is None else with_lora(model, lora)


def _find(checkpoint: str) -> Path:
    if checkpoint.startswith(PACKAGE):
        return _folder_in_package(checkpoint)
    if Path(checkpoint).is_dir():
        return Path(checkpoint)
    return _download(checkpoint)


def _folder_in_package(checkpoint: str) -> Path:
    package, _, folder = checkpoint.removeprefix(PACKAGE).partition("/")
    found = next((Path(place, folder) for place in _places(package) if Path(place, folder).is_dir()), None)
    if found is None:
        raise ConfigError(
            f"model.checkpoint: must name a folder of an installed package, but got {checkpoint!r}; "
            f"install the package, or write a local folder or a hub id"
        )
    return found


def _places(package: str) -> list[str]:
    """Folders of a package, found without running its imports; none if it is not installed."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # the parent of a dotted name is missing, or the name is none
        return []
    return list(spec.submodule_search_locations or []) if spec else []


def _download(checkpoint: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(checkpoint, ignore_patterns=OTHER_FORMATS))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ConfigError(
            f"model.checkpoint: {checkpoint!r} is no local folder, and the Hugging Face hub does not give it: "
            f"{one_line(error)}; correct the name, or name a folder that holds the checkpoint"
        ) from error


def _check_hash(checkpoint: str, weights: Path, expected: str) -> None:
    if not weights.is_file():
        raise ConfigError(f"model.sha256: {checkpoint!r} has no {WEIGHTS} to check; leave out model.sha256")
    with weights.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != expected:
        raise ConfigError(
            f"model.sha256: {weights} must have SHA-256 {expected}, but has {actual}; "
            f"install the package or download the checkpoint again, or correct model.sha256"
        )
