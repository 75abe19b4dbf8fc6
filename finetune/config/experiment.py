"""The whole config of an experiment: one frozen object, which stops at the steps."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from finetune.compute.deal import refused_deal
from finetune.compute.refusals import refused_training
from finetune.config.checks import ChecksConfig
from finetune.config.compute import ComputeConfig
from finetune.config.deploy import DeployConfig
from finetune.config.evaluate import EvaluateConfig
from finetune.config.features import FeaturesConfig
from finetune.config.model import ModelConfig, NamedModelConfig
from finetune.config.prepare import PrepareConfig
from finetune.config.production import ProductionConfig
from finetune.config.reconcile import ReconcileConfig
from finetune.config.register import GateConfig, RegisterConfig
from finetune.config.section import Section
from finetune.config.shards import ShardsConfig
from finetune.config.steps import StepsConfig
from finetune.config.storage import StorageConfig
from finetune.config.tracking import TrackingConfig
from finetune.config.train import TrainConfig
from finetune.config.transform import TransformConfig
from finetune.config.tune import TuneConfig
from finetune.tuning.engine import refused_engine
from finetune.tuning.refusals import refused_study

ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=32)]
ONLY = "model"
"""What the only model is called where the config gives it no name."""


class ExperimentConfig(Section):
    """One YAML file in configs/."""

    experiment: Annotated[
        str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]*-[0-9]+-[a-z0-9]+(-[a-z0-9]+)*$", max_length=63)
    ]
    """A ticket and a name, EXP-3333-license-mentions; prefixes every path and run."""
    functions: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$")]
    """Folder of experiments/ whose functions.py holds the five functions."""
    pipeline: Literal["finetune", "features"] = "finetune"
    """Pipeline of pipelines/ that runs the experiment."""
    root: str = "outputs"
    """Folder in which the experiment home lies."""
    production: ProductionConfig
    reconcile: ReconcileConfig = ReconcileConfig()
    prepare: PrepareConfig = PrepareConfig()
    model: ModelConfig | None = None
    """The model, where there is one."""
    models: Annotated[dict[ModelName, NamedModelConfig], Field(min_length=1)] | None = None
    """Several models in place of `model:`, by name: what a model section holds, and `train:` for what differs there."""
    steps: StepsConfig = StepsConfig()
    tune: TuneConfig = TuneConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    register: RegisterConfig = RegisterConfig()
    transform: TransformConfig = TransformConfig()
    deploy: DeployConfig = DeployConfig()
    checks: ChecksConfig = ChecksConfig()
    features: FeaturesConfig = FeaturesConfig()
    compute: ComputeConfig = ComputeConfig()
    tracking: TrackingConfig = TrackingConfig()
    storage: StorageConfig = StorageConfig()

    @property
    def files_at_home(self) -> list[str]:
        """Names of the files that each id has at home after reconcile."""
        return self.reconcile.files_at_home or self.production.files_from_production

    @property
    def shards(self) -> ShardsConfig | None:
        """How ids are divided; the pipeline features always divides them."""
        return self.prepare.shards or (ShardsConfig() if self.pipeline == "features" else None)

    @property
    def all_models(self) -> dict[str, tuple[ModelConfig, TrainConfig]]:
        """Section and training of each model, by name; one without a name is called model."""
        if self.models is None:
            return {ONLY: (self.model or ModelConfig(), self.train)}
        return {name: (model.section, model.trained_with(self.train)) for name, model in self.models.items()}

    @model_validator(mode="after")
    def _one_model_or_several(self) -> Self:
        if self.model is not None and self.models is not None:
            raise ValueError(
                "model and models must not both be given; name the model in models, too, or write model: null where "
                "the config below this one has it"
            )
        return self

    @model_validator(mode="after")
    def _baseline_reads_a_file_at_home(self) -> Self:
        text = self.evaluate.baseline_text
        if text is not None and text not in self.files_at_home:
            raise ValueError(f"evaluate.baseline_text must be a file at home ({', '.join(self.files_at_home)})")
        return self

    @model_validator(mode="after")
    def _checks_can_be_made(self) -> Self:
        if self.checks.near_duplicates.severity == "fail" and self.evaluate.baseline_text is None:
            raise ValueError(
                "checks.near_duplicates.severity must be warn or ignore where evaluate.baseline_text names no file, "
                "but got fail; name the file at home that holds the text"
            )
        return self

    @model_validator(mode="after")
    def _a_group_has_one_machine(self) -> Self:
        own, groups = self.compute.encode_groups, self.shards.steps if self.shards else 0
        named = {"encode_group": self.compute.encode_group, "merge": self.compute.merge}
        named |= {f"encode_groups.{number}": machines for number, machines in enumerate(own)}
        wrong = [
            f"compute.{step}.instance_count: must be 1: each group has a machine of its own; see prepare.shards.groups"
            for step, machines in named.items()
            if machines is not None and machines.instance_count > 1
        ]
        if len(own) > groups:
            wrong.append(f"compute.encode_groups: must be at most prepare.shards.groups ({groups}), but are {len(own)}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @model_validator(mode="after")
    def _dealt_files_are_independent(self) -> Self:
        files = self.production.files_from_production if self.pipeline == "features" else self.files_at_home
        wrong = refused_deal(self.shards, self.compute, files) if self.shards else []
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @model_validator(mode="after")
    def _features_train_nothing(self) -> Self:
        if self.pipeline == "features":
            asked = (("models", self.models), ("steps.tune", self.steps.tune), ("steps.register", self.steps.register))
            given = [name for name, there in asked if there]
            if given:
                raise ValueError(f"{given[0]} does not go with pipeline: features, which trains nothing; leave it out")
            if self.production.group is not None:
                raise ValueError("production.files must be files where pipeline is features: it fills a feature group")
            if self.features.exchange != "direct":
                raise ValueError("features.exchange is for pipeline finetune: the pipeline features trains nothing")
        return self

    @model_validator(mode="after")
    def _exchange_needs_one_group(self) -> Self:
        by_name = self.features.exchange == "by_name"
        if self.pipeline == "finetune" and by_name != (self.features.group is not None):
            raise ValueError(
                "features.group and features.exchange: by_name go together in pipeline finetune; to train on a group "
                "that another experiment fills, write production.files: group://NAME"
            )
        if by_name and self.models is not None:
            raise ValueError("features.exchange: by_name has one group for one model; write model: in place of models:")
        return self

    @model_validator(mode="after")
    def _a_gate_is_asked(self) -> Self:
        if self.register.gate != GateConfig() and not self.steps.register:
            raise ValueError("register.gate has rules that nobody asks: set steps.register to true, or leave them out")
        return self

    @model_validator(mode="after")
    def _training_fits_its_machines(self) -> Self:
        wrong: dict[str, None] = {}
        for name, (_, train) in self._trainings():
            at = f"models.{name}.train: " if len(self.models or {}) > 1 else ""
            refused = refused_training(self.compute.train, train.batch_size, train.precision)
            wrong |= dict.fromkeys(f"{at}{each}" for each in refused)
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @model_validator(mode="after")
    def _study_is_possible(self) -> Self:
        if self.steps.tune and self.models is not None:
            raise ValueError(
                "steps.tune: a study searches the parameters of one model; write model: in place of models:"
            )
        wrong = refused_study(self.tune, self.train, self.model or ModelConfig()) if self.models is None else []
        if self.steps.tune and not self.tune.space:
            wrong.append("tune.space: must name at least one parameter when steps.tune is true")
        machines = self.compute.tune
        if machines is not None and machines.instance_count > 1:
            wrong.append("compute.tune.instance_count: must be 1: a trial trains on one machine; see tune.parallel")
        if self.steps.tune and self.tune.engine == "sagemaker":
            wrong += refused_engine(self.tune, machines)
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _trainings(self) -> Iterator[tuple[str, tuple[ModelConfig, TrainConfig]]]:
        try:
            yield from self.all_models.items()
        except ValidationError as error:
            told = "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors())
            raise ValueError(f"models: a model's train does not go together with train: {told}") from None
