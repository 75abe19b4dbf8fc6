"""The instance types that a config may name, wherever a section has machines."""

from typing import Annotated

from pydantic import AfterValidator

from finetune.compute.refusals import refused_instance


def _existing(name: str) -> str:
    wrong = refused_instance(name)
    if wrong is not None:
        raise ValueError(wrong)
    return name


InstanceType = Annotated[str, AfterValidator(_existing)]
"""SageMaker's name of an instance type, such as ml.g5.xlarge; one that does not exist is refused."""
