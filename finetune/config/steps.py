"""`steps:` says which of the steps after prepare a run has."""

from typing import Self

from pydantic import model_validator

from finetune.config.section import Section


class StepsConfig(Section):
    """Steps that may be left out."""

    tune: bool = False
    """Searches the best parameters of `tune.space` first; they go into `train` and `model` of the same run."""
    train: bool = True
    """Trains and evaluates; without it a run ends with the study's report."""
    register: bool = False
    """Puts the model, if it passes `register.gate`, into the registries of the stack; of several models the best."""
    transform: bool = False
    """Asks the registered model about the test split by a batch transform, and computes metrics from its answers."""

    @model_validator(mode="after")
    def _something_remains(self) -> Self:
        if not self.tune and not self.train:
            raise ValueError("tune and train must not both be false: nothing would be left to do after prepare")
        if self.register and not self.train:
            raise ValueError("register must be false where train is: there is no model to register")
        if self.transform and not self.register:
            raise ValueError("transform must be false where register is: there is no package to ask")
        return self
