"""Puts a config where a stack can reach it: root, and what the config names on one machine. Pure."""

from finetune.config.experiment import ExperimentConfig
from finetune.config.production import LabelsConfig, ProductionConfig
from finetune.config.tracking import TrackingConfig

LABELS, FILES = "labels.db", "files"


def place(config: ExperimentConfig, *, root: str | None, production: str | None) -> ExperimentConfig:
    """The config as it runs on a stack.

    Args:
        config: As its file says.
        root: The stack's root; None leaves the config's.
        production: The stack's prefix of production; below it, `<functions>/files` and `<functions>/labels.db` stand
            for a folder and an SQLite file of one machine. A database with a server, or a bucket, stays as it is.
            An MLflow database of one machine falls away: jobs elsewhere would write it where nobody looks.
    """
    changes = {} if root is None else {"root": root}
    if production is None:
        return config.model_copy(update=changes)
    base = f"{production.rstrip('/')}/{config.functions}"
    moved = {"production": _production(config.production, base), "tracking": _tracking(config.tracking)}
    return config.model_copy(update={**changes, **moved})


def is_on_one_machine(place: str) -> bool:
    """Whether a folder, file or database URL is one that other machines cannot reach; a reference may be any."""
    if place.startswith("${"):
        return False
    scheme, _, rest = place.partition("://")
    return not rest or scheme.partition("+")[0] == "sqlite"


def _production(production: ProductionConfig, base: str) -> ProductionConfig:
    files = f"{base}/{FILES}" if is_on_one_machine(production.files) else production.files
    return production.model_copy(update={"files": files, "labels": _labels(production.labels, base)})


def _tracking(tracking: TrackingConfig) -> TrackingConfig:
    away = tracking.mlflow is not None and is_on_one_machine(tracking.mlflow.uri)
    return tracking.model_copy(update={"mlflow": None}) if away else tracking


def _labels(labels: LabelsConfig, base: str) -> LabelsConfig:
    if labels.url is not None:
        return labels.model_copy(update={"url": f"{base}/{LABELS}"}) if is_on_one_machine(labels.url) else labels
    name = (labels.file or "").rpartition("/")[2]
    return labels.model_copy(update={"file": f"{base}/{name}"}) if is_on_one_machine(labels.file or "") else labels
