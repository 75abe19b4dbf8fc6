"""The verdict on a model: its metrics and the rules in, one reason for each rule out. Pure."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from finetune.comparison.bootstrap import Interval
from finetune.config.register import BoundsConfig, GateConfig, NotWorseConfig
from finetune.evaluation.direction import lower_is_better
from finetune.evaluation.names import BASELINES

Metrics = Mapping[str, float]
ROUNDING = 1e-12
"""What adding a margin to a score may be off by."""


@dataclass(frozen=True)
class Approved:
    """The model that is in production now, beside the new one on the same test ids."""

    version: int
    value: float
    """Its metric on these ids."""
    difference: float
    """The new model's metric less its own."""
    interval: Interval | None
    """Of the difference, 95 %, drawn in pairs; None where too few draws had a number."""
    compared: int
    """Test ids on which both were compared: the version in production was not trained on them, and answers them."""
    ids: int
    """All test ids of the new model."""


@dataclass(frozen=True)
class Rule:
    """What became of one rule."""

    rule: str
    """Its key below the gate: `metrics.macro_f1.min`."""
    passed: bool
    value: float | None
    """What was measured; None where there is no number."""
    required: float | None
    """What it had to reach; None where there is nothing to compare with."""
    reason: str
    """One sentence, with how far it is from what is required."""


@dataclass(frozen=True)
class Verdict:
    """What became of all rules."""

    rules: list[Rule]

    @property
    def passed(self) -> bool:
        """Whether every rule is kept."""
        return all(rule.passed for rule in self.rules)

    @property
    def failed(self) -> list[Rule]:
        """The rules that are not kept."""
        return [rule for rule in self.rules if not rule.passed]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {"passed": self.passed, "rules": [asdict(rule) for rule in self.rules]}


def judge(
    metrics: Metrics, gate: GateConfig, baselines: Mapping[str, Metrics] | None = None, approved: Approved | None = None
) -> Verdict:
    """Judges a model.

    Args:
        metrics: The model's.
        gate: The rules.
        baselines: Metrics of each baseline by name.
        approved: The version in production, compared by `gate.not_worse_than_approved`; None where there is none.
    """
    bounds = [rule for metric, each in gate.metrics.items() for rule in _bounds(metric, each, metrics)]
    margins = [_margin(metric, margin, metrics, baselines or {}) for metric, margin in gate.above_baselines.items()]
    wanted = gate.not_worse_than_approved
    return Verdict([*bounds, *margins, *([_not_worse(wanted, metrics, approved)] if wanted else [])])


def _bounds(metric: str, bounds: BoundsConfig, metrics: Metrics) -> Iterator[Rule]:
    for name, bound, sign in (("min", bounds.min, 1), ("max", bounds.max, -1)):
        if bound is not None:
            at = f"{'least' if sign > 0 else 'most'} {shown(bound)}"
            yield _compared(f"metrics.{metric}.{name}", metric, bound, f"must be at {at}", metrics, sign)


def _margin(metric: str, margin: float, metrics: Metrics, baselines: Mapping[str, Metrics]) -> Rule:
    rule, sign = f"above_baselines.{metric}", -1 if lower_is_better(metric) else 1
    found = {name: each[metric] for name, each in baselines.items() if math.isfinite(each.get(metric, math.nan))}
    if not found:
        return Rule(rule, False, _number(metrics, metric), None, f"no baseline has a number for {metric}")
    best = max(found, key=lambda name: sign * found[name])
    told = (
        f"must be {shown(margin)} {'above' if sign > 0 else 'below'} {BASELINES.get(best, best)} ({shown(found[best])})"
    )
    return _compared(rule, metric, found[best] + sign * margin, told, metrics, sign)


def _not_worse(wanted: NotWorseConfig, metrics: Metrics, approved: Approved | None) -> Rule:
    """Fails where even the better end of the difference's interval is worse than the tolerance allows."""
    rule, value = "not_worse_than_approved", _number(metrics, wanted.metric)
    if value is None:
        return _missing(rule, wanted.metric, None, metrics)
    if approved is None:
        return Rule(rule, True, value, None, "no version is in production yet")
    sign = -1 if lower_is_better(wanted.metric) else 1
    lowest = approved.value - sign * wanted.tolerance
    if approved.interval is None:
        reason = f"the difference to version {approved.version} has no interval: too few draws have a number"
        return Rule(rule, False, value, lowest, reason)
    upper = max(sign * end for end in approved.interval)
    told, interval = f"{approved.difference:+.3f}", " to ".join(f"{end:+.3f}" for end in approved.interval)
    reason = (
        f"{wanted.metric} {shown(value)} is {told} to version {approved.version}, 95 % interval {interval}; "
        f"{shown(wanted.tolerance)} is tolerated{_left_out(approved)}"
    )
    return Rule(rule, upper >= -wanted.tolerance - ROUNDING, value, lowest, reason)


def _left_out(approved: Approved) -> str:
    if approved.compared == approved.ids:
        return ""
    return (
        f"; compared on {approved.compared:,} of {approved.ids:,} test ids: version {approved.version} was trained on "
        f"the others, or drops them"
    )


def _compared(rule: str, metric: str, required: float, told: str, metrics: Metrics, sign: int) -> Rule:
    value = _number(metrics, metric)
    if value is None:
        return _missing(rule, metric, required, metrics)
    distance = sign * (value - required)
    passed = distance >= -ROUNDING
    reason = f"{metric} {shown(value)} {told}: {'kept' if passed else 'missed'} by {shown(abs(distance))}"
    return Rule(rule, passed, value, required, reason)


def _missing(rule: str, metric: str, required: float | None, metrics: Metrics) -> Rule:
    why = "is not a number" if metric in metrics else f"is not computed; computed are {', '.join(metrics) or 'none'}"
    return Rule(rule, False, None, required, f"{metric} {why}")


def _number(metrics: Metrics, metric: str) -> float | None:
    value = metrics.get(metric, math.nan)
    return value if math.isfinite(value) else None


def shown(value: float) -> str:
    """A number to three digits after the point, or, where these would all be 0, to three that count."""
    return f"{value:.3f}" if abs(value) < ROUNDING or abs(value) >= 0.001 else f"{value:.3g}"
