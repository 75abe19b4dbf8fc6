"""`tune:` says which parameters are searched, how, and for how long."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from finetune.config.section import Section
from finetune.tuning.refusals import refused_distribution

Whole = int
Scalar = bool | int | float | str | None
Bounds = Annotated[list[float], Field(min_length=2, max_length=2)]
WholeBounds = Annotated[list[int], Field(min_length=2, max_length=2)]


class DistributionConfig(Section):
    """What may stand in one parameter: exactly one of uniform, log_uniform, int and choice."""

    uniform: Bounds | None = None
    """Lowest and highest number; all between them are equally likely."""
    log_uniform: Bounds | None = None
    """Lowest and highest number; all orders of magnitude between them are equally likely."""
    choice: list[Scalar] | None = Field(default=None, min_length=1)
    """Values to choose from."""
    when: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)
    """The parameter is searched only where these other ones have this value, or one of these."""
    int: WholeBounds | None = None
    """Lowest and highest whole number."""

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        wrong = refused_distribution(self)
        if wrong is not None:
            raise ValueError(wrong)
        return self


class TuneConfig(Section):
    """Settings of a study: a search for the parameters with the best objective on validation."""

    engine: Literal["study", "sagemaker"] = "study"
    """Who searches: a study of this project, on any stack, or SageMaker's own hyperparameter tuning job, on AWS."""
    space: dict[str, DistributionConfig] = Field(default_factory=dict)
    """A key such as `train.learning_rate` or `model.width` to what may stand in it: `{uniform: [low, high]}`,
    `{log_uniform: [low, high]}`, `{int: [low, high]}` or `{choice: [a, b]}`, each with `when: {key: value}` if it is
    searched only where another one has that value."""
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    """How the next parameters are found: from what was good so far, by chance, or all combinations in order."""
    pruner: Literal["none", "median", "asha"] = "median"
    """Which trials are stopped early: none, those below the median of the others, or all but the best third (ASHA)."""
    trials: Whole = Field(default=20, ge=1)
    """Trials in all; the first one has the parameters of the config as it stands."""
    parallel: Whole = Field(default=1, ge=1)
    """Trials at a time."""
    objective: str | None = None
    """Metric on validation: `loss`, or one that compute_metrics returns; default: `train.best_metric`."""
    max_hours: float | None = Field(default=None, gt=0)
    """Hours of work after which the study ends; trials that are not done yet are stopped."""
    max_cost_usd: float | None = Field(default=None, gt=0)
    """Cost of all trials' machines, in US dollars, at which the study ends; needs usd_per_hour."""
    usd_per_hour: float | None = Field(default=None, gt=0)
    """Price of the machines of one trial, in US dollars an hour."""
    early_stop: Whole | None = Field(default=None, ge=1)
    """Trials in a row without a better one after which no further one is begun."""
    seed: Whole = 42
    """Decides the sampler's choices."""

    @model_validator(mode="after")
    def _cost_is_known(self) -> Self:
        if self.max_cost_usd is not None and self.usd_per_hour is None:
            raise ValueError(
                "max_cost_usd needs usd_per_hour, the price of the machines of one trial: prices differ by region and "
                "contract, so no table of them is kept here"
            )
        return self
