"""What a registered model says of the test split once more, by a batch transform, and the metrics of that."""

from collections.abc import Mapping
from typing import Any

from finetune.config.experiment import ExperimentConfig
from finetune.experiment import Home
from steps.metrics import metrics
from steps.transform import transform


def transform_and_score(
    registered: Any, dataset: Any, home: Home, settings: ExperimentConfig, code: Mapping[str, str]
) -> None:
    """Asks the model and computes metrics.

    Args:
        registered: The artifact of the step register.
        dataset: The artifact of the prepared dataset, whose test split is asked about.
        home: The experiment home.
        settings: The experiment's config.
        code: The hash of the code that each step depends on.
    """
    transformed, counts = transform(registered=registered, dataset=dataset, home=home, settings=settings.transform)
    metrics(transformed=transformed, counts=counts, home=home, functions=settings.functions, code=code["metrics"])
