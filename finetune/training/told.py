"""The lines in which training tells its losses and metrics, and what CloudWatch must look for to find them. Pure."""

from collections.abc import Mapping

from finetune.evaluation.direction import lower_is_better

_NUMBER = r"(-?[0-9.]+(?:e[+-]?[0-9]+)?)"
_VALIDATION = "validation_"
METRICS = ("loss", "validation_loss", "validation_accuracy", "validation_macro_f1", "validation_weighted_f1")
"""What CloudWatch shows where it is told; a job may have 40, and names of an experiment's own are not known here."""


def shown(value: float) -> str:
    """A value as people read it: three decimals, or three digits of a small one."""
    return f"{value:.{'3f' if abs(value) >= 0.1 else '3g'}}"


def validation_line(step: int, note: str, logs: Mapping[str, float], best_metric: str) -> str:
    """One line of a validation, such as `train: step 40, loss 0.310, validation_loss 0.352, validation_macro_f1 0.811`.

    Args:
        step: Optimiser steps so far.
        note: The latest loss, such as `loss 0.310`; empty before the first.
        logs: What the validation found; the other metrics stand in the history and the report.
        best_metric: The one that picks the checkpoint.
    """
    names = dict.fromkeys(("loss", best_metric))
    found = [f"{_VALIDATION}{name} {shown(logs[f'eval_{name}'])}" for name in names if f"eval_{name}" in logs]
    return ", ".join(filter(None, [f"train: step {step}", note, *found]))


def kept_line(best: Mapping[str, float], best_metric: str) -> str:
    """One line with the checkpoint that is kept, which is that of the best validation."""
    extreme = "lowest" if lower_is_better(best_metric) else "highest"
    value = shown(best[_VALIDATION + best_metric])
    return f"train: keeps step {best['step']:.0f}, the {extreme} validation {best_metric} ({value})"


def metric_definitions() -> list[dict[str, str]]:
    """A regular expression for each metric, as SageMaker takes them."""
    return [{"Name": name, "Regex": rf"(?:^|[ ,]){name} {_NUMBER}"} for name in METRICS]
