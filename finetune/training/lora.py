"""Low-rank adapters (LoRA, Hu et al. 2021) through peft: few weights are trained beside those of the checkpoint."""

from collections.abc import Mapping
from typing import Any

from finetune.errors import ConfigError
from finetune.words import one_line


def with_lora(model: Any, settings: Mapping[str, Any]) -> Any:
    """The model with adapters, which alone are trained; their settings are those of peft's LoraConfig.

    Raises:
        ConfigError: peft does not take the settings, or the model has none of the layers that they name.
    """
    from peft import LoraConfig, get_peft_model

    try:
        return get_peft_model(model, LoraConfig(**settings))
    except (TypeError, ValueError, KeyError) as error:
        raise ConfigError(
            f"model.lora: peft's LoraConfig does not take {dict(settings)}: {one_line(error)}; for instance "
            f"{{r: 8, lora_alpha: 16, target_modules: [query, value]}}"
        ) from error
