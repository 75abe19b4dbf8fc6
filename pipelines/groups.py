"""The fan-out over groups of ids: a step for each, all at the same time or a few.

A static pipeline on this machine runs its steps one after the other; a dynamic one has threads for them.
"""

from collections.abc import Mapping
from typing import Any

from zenml.execution.pipeline.dynamic.run_context import DynamicPipelineRunContext

from finetune.config.experiment import ExperimentConfig
from finetune.config.model import ModelConfig
from finetune.config.shards import ShardsConfig
from finetune.experiment import Home
from finetune.functions import FEATURES
from finetune.invocations import encodings
from steps.encode_group import encode_group


def encode_groups(
    plan: Any, prepared: str, home: Home, files: str, settings: ExperimentConfig, model: Mapping[str, Any], code: str
) -> list[Any]:
    """The artifacts of all groups, in order.

    Args:
        plan: The artifact that says which id is in which group.
        prepared: The name of the prepare that this stands for.
        home: The experiment home.
        files: The folder of all ids.
        settings: The experiment's config.
        model: What the models of this dataset agree on, as finetune/prepare/alike.py tells it.
        code: The hash of the code that encodes.
    """
    shards = settings.shards or ShardsConfig()
    names = encodings(prepared, shards.steps)
    at_once = shards.parallel or shards.steps
    dynamic = DynamicPipelineRunContext.get() is not None
    made: list[Any] = []
    for number, name in enumerate(names):
        step = encode_group.with_options(substitutions={"number": name.removeprefix("encode_group_")})
        before: Any = (made if dynamic else names)[number - at_once] if number >= at_once else None
        made.append(
            (step.submit if dynamic else step)(
                plan=plan,
                group=number,
                home=home,
                files=files,
                settings=settings.prepare,
                model=ModelConfig.model_validate(model["section"]),
                differing=model["differing"],
                functions=settings.functions,
                calls=list(FEATURES),
                code=code,
                id=name,
                after=before,
            )
        )
    return [future.artifacts() for future in made] if dynamic else made
