"""The lines in which training tells its losses and metrics, and what CloudWatch must look for to find them. Pure."""

from collections.abc import Mapping

_NUMBER = r"(-?[0-9.]+(?:e[+-]?[0-9]+)?)"
_VALIDATION = "validation_"
METRICS = ("loss", "validation_loss", "validation_accuracy", "validation_macro_f1", "validation_weighted_f1")
"""What CloudWatch shows; 40 are the most that a job may have, and names of an experiment's own are not known here."""
_TIMES = ("runtime", "per_second")


def validation_line(step: int, note: str, logs: Mapping[str, float]) -> str:
    """One line with what a validation found, such as `train: step 40, loss 0.31, validation_loss 0.35, ...`."""
    found = {
        _VALIDATION + name.removeprefix("eval_"): value
        for name, value in logs.items()
        if name.startswith("eval_") and not name.endswith(_TIMES)
    }
    return ", ".join(filter(None, [f"train: step {step}", note, *(f"{name} {found[name]:.6g}" for name in found)]))


def metric_definitions() -> list[dict[str, str]]:
    """A regular expression for each metric, as SageMaker takes them."""
    return [{"Name": name, "Regex": rf"(?:^|[ ,]){name} {_NUMBER}"} for name in METRICS]
