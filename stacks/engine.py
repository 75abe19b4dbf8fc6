"""Refuses a study by SageMaker's tuning job on a stack without SageMaker, before anything starts. Pure."""

from finetune.config.experiment import ExperimentConfig
from finetune.errors import ConfigError
from stacks.files import Stack

FLAVOR = "finetune_sagemaker"


def check_engine(config: ExperimentConfig, stack: Stack) -> None:
    """Looks whether the stack can do what `tune.engine` says.

    Raises:
        ConfigError: It cannot.
    """
    operator = stack.components.step_operator
    if not config.steps.tune or config.tune.engine == "study" or (operator and operator.flavor == FLAVOR):
        return
    raise ConfigError(
        f"tune.engine: sagemaker needs a stack that runs jobs on SageMaker (step_operator: {{flavor: {FLAVOR}}}), and "
        f"stack {stack.name} does not; choose one with --stack, such as sagemaker, or write tune.engine: study"
    )
