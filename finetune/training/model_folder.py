"""How a trained model is kept: a folder with safetensors, tokenizer, config and label names, never a pickle."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from transformers import PreTrainedModel

from finetune.calls import call, model_section
from finetune.code_hash import functions_hash
from finetune.errors import EvaluateError
from finetune.training.collate import load_tokenizer
from finetune.training.pretrained import WEIGHTS

FACTS = "finetune.json"

ANEW = "run again with --no-cache, which makes it anew"

SHOWN = 3
"""Weights that a message names."""

GetModel = Callable[[dict[str, Any], list[str]], torch.nn.Module]


@dataclass(frozen=True)
class ModelFacts:
    """What is needed beside the weights to use a model."""

    functions: str
    """Folder of experiments/ whose get_model and encode_data belong to the weights."""
    model: dict[str, Any]
    """The config's model section."""
    labels: list[str]
    """In order of class id."""
    features: list[str]
    """Names of forward()'s inputs beside labels."""
    padding: dict[str, float]
    """Pad value per feature."""
    code: str = ""
    """Hash of encode_data and get_model as they were at training; empty if nobody took it."""

    @property
    def of_other_code(self) -> bool:
        """Whether encode_data or get_model changed since training."""
        return bool(self.code) and functions_hash(self.functions) != self.code


def save(folder: Path, model: torch.nn.Module, facts: ModelFacts) -> None:
    """Writes the model into a folder; a transformers model's folder also loads with from_pretrained."""
    folder.mkdir(parents=True, exist_ok=True)
    save_model(model, str(folder / WEIGHTS), metadata={"format": "pt"})
    if isinstance(model, PreTrainedModel):
        model.config.architectures = [type(model).__name__]
        model.config.id2label = dict(enumerate(facts.labels))
        model.config.label2id = {label: index for index, label in enumerate(facts.labels)}
        model.config.save_pretrained(folder)
    tokenizer = load_tokenizer(facts.model.get("checkpoint"))
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    text = json.dumps(asdict(facts), indent=2, ensure_ascii=False)
    (folder / FACTS).write_text(text + "\n", encoding="utf-8")


def read_facts(folder: Path) -> ModelFacts:
    """Reads the facts beside the weights.

    Raises:
        EvaluateError: The folder is gone, or holds no whole model of ours.
    """
    try:
        return ModelFacts(**json.loads((folder / FACTS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise EvaluateError(f"{folder} is gone or incomplete: cannot read {FACTS} there ({error}); {ANEW}") from error


def load(folder: Path, facts: ModelFacts, get_model: GetModel) -> torch.nn.Module:
    """Builds the model with get_model and fills in the trained weights; it is in eval mode, on the GPU if there is one.

    Raises:
        EvaluateError: get_model builds another model than the one that was saved, or the weights are gone.
        FunctionsError: get_model raised.
    """
    model = call("get_model", get_model, model_section(facts.model), list(facts.labels))
    try:
        missing, unknown = load_model(model, str(folder / WEIGHTS), strict=False)
    except (OSError, SafetensorError) as error:
        raise EvaluateError(f"{folder / WEIGHTS} cannot be read ({error}); {ANEW}") from error
    except RuntimeError as error:  # of weights of another shape torch tells a line each, below a headline
        raise _misfit(folder, facts, [line.strip() for line in str(error).splitlines()[1:]]) from error
    if missing or unknown:
        asked = [f"{name} is not among the trained weights" for name in sorted(missing)]
        raise _misfit(folder, facts, [*asked, *(f"{name} is not in the model now" for name in sorted(unknown))])
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


def _misfit(folder: Path, facts: ModelFacts, differences: list[str]) -> EvaluateError:
    more = [f"and {len(differences) - SHOWN:,} more"] if len(differences) > SHOWN else []
    listed = "".join(f"\n  {line}" for line in [*differences[:SHOWN], *more])
    return EvaluateError(
        f"{folder / WEIGHTS} does not fit the model that get_model of experiments/{facts.functions}/functions.py "
        f"builds; it changed since training: take the change back, or train again:{listed}"
    )
