"""What is said of trials. Pure."""

from collections.abc import Mapping
from typing import Any

from finetune.tuning.journal import Record, State
from finetune.words import duration


def told(params: Mapping[str, Any]) -> str:
    """Parameters in one line: `train.learning_rate 0.000312, train.schedule cosine`."""
    return ", ".join(f"{name} {value_told(value)}" for name, value in params.items())


def value_told(value: Any) -> str:
    """A value as YAML has it, with three digits of a fraction."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def ended_line(record: Record, best: Record | None) -> str:
    """One line of a trial that ended, such as `tune: trial 3: 0.812 in 41.0 s (best: 0.834, trial 1)`."""
    so_far = f" (best: {best.value:.4g}, trial {best.number})" if best is not None and best.value is not None else ""
    if record.state is State.COMPLETED:
        return f"tune: trial {record.number}: {record.value:.4g} in {duration(record.seconds)}{so_far}"
    why = f": {record.reason}" if record.reason else f" after {len(record.points)} validations"
    return f"tune: trial {record.number} {record.state}{why}{so_far}"


def tuning_lines(tuning: Mapping[str, Any]) -> list[str]:
    """What the summary of a run says of its study; nothing if there was none."""
    if not tuning:
        return []
    default = tuning["default"]
    beside = "" if default is None else f" (with the config as it stands {default:.4g})"
    ended = f"{tuning['completed']} completed, {tuning['pruned']} stopped early, {tuning['failed']} failed"
    return [
        f"trials     {ended}",
        f"best       trial {tuning['trial']}: {tuning['objective']} {tuning['value']:.4g} on validation{beside}",
        f"           {told(tuning['best']) or 'no parameter is searched'}",
    ]
