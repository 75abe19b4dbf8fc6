"""The whole config of an experiment: one frozen object, which stops at the steps."""

from typing import Annotated, Literal, Self

from pydantic import StringConstraints, model_validator

from finetune.compute.refusals import refused_training
from finetune.config.compute import ComputeConfig
from finetune.config.evaluate import EvaluateConfig
from finetune.config.model import ModelConfig
from finetune.config.prepare import PrepareConfig
from finetune.config.production import ProductionConfig
from finetune.config.reconcile import ReconcileConfig
from finetune.config.section import Section
from finetune.config.train import TrainConfig


class ExperimentConfig(Section):
    """One YAML file in configs/."""

    experiment: Annotated[
        str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*-[0-9]+-[a-z0-9]+(-[a-z0-9]+)*$", max_length=63)
    ]
    """A ticket and a name, EXP-3333-license-mentions; prefixes every path and run."""
    functions: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")]
    """Folder of experiments/ whose functions.py holds the five functions."""
    pipeline: Literal["finetune"] = "finetune"
    """Pipeline of pipelines/ that runs the experiment."""
    root: str = "outputs"
    """Folder in which the experiment home lies."""
    production: ProductionConfig
    reconcile: ReconcileConfig = ReconcileConfig()
    prepare: PrepareConfig = PrepareConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    compute: ComputeConfig = ComputeConfig()

    @property
    def files_at_home(self) -> list[str]:
        """Names of the files that each id has at home after reconcile."""
        return self.reconcile.files_at_home or self.production.files_from_production

    @model_validator(mode="after")
    def _baseline_reads_a_file_at_home(self) -> Self:
        text = self.evaluate.baseline_text
        if text is not None and text not in self.files_at_home:
            raise ValueError(f"evaluate.baseline_text must be a file at home ({', '.join(self.files_at_home)})")
        return self

    @model_validator(mode="after")
    def _training_fits_its_machines(self) -> Self:
        wrong = refused_training(self.compute.train, self.train.batch_size, self.train.precision)
        if wrong:
            raise ValueError("; ".join(wrong))
        return self
