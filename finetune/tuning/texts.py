"""Values of parameters as text, the form in which SageMaker's tuning job hands them to a training job. Pure."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from finetune.errors import TuneError
from finetune.tuning.space import Params, contains

if TYPE_CHECKING:
    from finetune.config.tune import DistributionConfig


def to_text(value: Any) -> str:
    """A number, or one of several choices, as text that no other value has."""
    return json.dumps(value)


def from_texts(space: "Mapping[str, DistributionConfig]", texts: Mapping[str, str]) -> Params:
    """The parameters of a space again, each of the kind that stands in its key; other names are left out.

    Raises:
        TuneError: One is missing, or is not what the space holds.
    """
    return {name: _value(name, distribution, texts) for name, distribution in space.items()}


def _value(name: str, distribution: "DistributionConfig", texts: Mapping[str, str]) -> Any:
    text = texts.get(name, "")
    try:
        value = float(text) if distribution.uniform or distribution.log_uniform else json.loads(text)
    except ValueError:
        value = None
    if not text or not contains(distribution, value):
        raise TuneError(f"tune.space.{name}: the tuning job gave {text!r}, which the space does not hold")
    return value
