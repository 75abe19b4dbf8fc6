"""`register:` says what a model must reach to be registered."""

from typing import Any, Self

from pydantic import Field, model_validator

from finetune.config.section import Section


class BoundsConfig(Section):
    """What one metric must reach: min, max or both."""

    min: float | None = None
    """Smallest value that passes."""
    max: float | None = None
    """Largest value that passes."""

    @model_validator(mode="before")
    @classmethod
    def _not_a_number(cls, given: Any) -> Any:
        if isinstance(given, int | float):
            raise ValueError(f"must be a mapping: write {{min: {given}}} or {{max: {given}}}")
        return given

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("must have min, max or both, but got neither")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min must not be above max, but got {self.min} and {self.max}")
        return self


class NotWorseConfig(Section):
    """The model that is in production now must not be better, beyond what the choice of test ids can explain."""

    metric: str
    """Metric that both models are compared by, on the same test ids."""
    tolerance: float = Field(default=0.0, ge=0)
    """How much worse the model may be."""


class GateConfig(Section):
    """Rules that a model must keep on the test split; without any, every model is registered."""

    metrics: dict[str, BoundsConfig] = Field(default_factory=dict)
    """Metric to what it must reach, `{macro_f1: {min: 0.85}}`; any metric that compute_metrics returns."""
    above_baselines: dict[str, float] = Field(default_factory=dict)
    """Metric to the distance by which it must be better than that of every baseline, `{macro_f1: 0.02}`."""
    not_worse_than_approved: NotWorseConfig | None = None
    """Compares with the version in production: fails where the 95 % interval of the difference lies below it."""

    @property
    def names(self) -> list[str]:
        """The metrics that the rules name."""
        approved = self.not_worse_than_approved
        return list(dict.fromkeys([*self.metrics, *self.above_baselines, *([approved.metric] if approved else [])]))

    @model_validator(mode="after")
    def _margins_are_distances(self) -> Self:
        wrong = {metric: margin for metric, margin in self.above_baselines.items() if margin < 0}
        if wrong:
            raise ValueError(f"above_baselines must hold distances of 0 and more, but got {wrong}")
        return self


class RegisterConfig(Section):
    """What stands between a trained model and the registries."""

    gate: GateConfig = GateConfig()
