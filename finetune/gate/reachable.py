"""Rules that no model can keep, refused before one is trained for them."""

from collections.abc import Iterator, Mapping

from finetune.config.register import BoundsConfig, GateConfig
from finetune.errors import ConfigError
from finetune.evaluation.direction import LOSS


def refuse_unreachable(gate: GateConfig, first: Mapping[str, BoundsConfig]) -> None:
    """Refuses rules on the default metrics, which lie between 0 and 1, that ask for more than that. Pure.

    Args:
        gate: The config's register.gate.
        first: The config's train.gate, which may name the loss: that has no upper end.

    Raises:
        ConfigError: There are such rules; the message names each with its value.
    """
    rules = [*_beyond("register.gate.metrics", gate.metrics), *_beyond("train.gate", first)]
    rules += [f"register.gate.above_baselines.{name}: {by}" for name, by in gate.above_baselines.items() if by > 1]
    if rules:
        raise ConfigError(f"{'; '.join(rules)}: no model can keep this: the default metrics lie between 0 and 1")


def _beyond(key: str, bounds: Mapping[str, BoundsConfig]) -> Iterator[str]:
    for name, bound in bounds.items():
        if name != LOSS and bound.min is not None and bound.min > 1:
            yield f"{key}.{name}.min: {bound.min}"
        if name != LOSS and bound.max is not None and bound.max < 0:
            yield f"{key}.{name}.max: {bound.max}"
