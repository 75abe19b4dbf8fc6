"""The sample production source of an example: built if it is absent, and published where a stack reads from S3."""

from pathlib import Path

from finetune.config.experiment import ExperimentConfig
from finetune.config.production import ProductionConfig
from finetune.progress import say
from finetune.storage.uri import is_s3

LABELS = "labels.db"


def bring_sample(config: ExperimentConfig, placed: ExperimentConfig, *, whole: bool = True) -> None:
    """Builds the sample that the config names, if the source is absent, and publishes it where the stack reads from S3.

    Args:
        config: As its file says, with places of this machine.
        placed: The same as it runs on the stack.
        whole: Publish everything, and not only the ids that the config's labels name.
    """
    build_sample(config)
    names = unpublished(config, placed, whole=whole)
    if names:
        from finetune.storage.publish import publish

        target = _parent(placed.production)
        say(f"publishing the sample production source in {target}")
        publish(Path(_parent(config.production)), target, list(dict.fromkeys([*names, LABELS])))


def build_sample(config: ExperimentConfig) -> None:
    """Builds the sample that the config names, if the source is absent."""
    production = config.production
    folder = Path(_parent(production))
    if production.sample is not None and not is_s3(_parent(production)) and not folder.exists():
        from importlib import import_module

        say(f"building the sample production source {folder} (once)")
        import_module(f"experiments.{production.sample}.sample").build(folder)


def unpublished(config: ExperimentConfig, placed: ExperimentConfig, *, whole: bool = True) -> list[str]:
    """The sample's files that are missing where the stack reads; none without a sample, or if it reads from here.

    Raises:
        FinetuneError: S3 does not answer, or the sample cannot be read.
    """
    production = config.production
    if production.sample is None or is_s3(_parent(production)) or not is_s3(_parent(placed.production)):
        return []
    from finetune.reconcile.labels import labels_of
    from finetune.storage.storage import storage_of
    from operators.secrets import secret_readers

    if production.group is not None:
        there_already = storage_of(_parent(placed.production)).exists(f"{_parent(placed.production)}/{LABELS}")
        return [] if there_already else [LABELS]
    if config.pipeline == "features":
        here, target = production.files, placed.production.files
        missing = set(storage_of(here).below(here)) - set(storage_of(target).below(target))
        return [f"files/{name}" for name in sorted(missing)]
    there = set(storage_of(placed.production.files).folders(placed.production.files))
    known = {path.name for path in Path(production.files).iterdir()}
    labelled = [] if whole else labels_of(production.labels, secret_readers())
    named = known if whole else known & {str(row["guid"]) for row in labelled}
    return [f"files/{guid}/{name}" for guid in sorted(named - there) for name in production.files_from_production]


def _parent(production: ProductionConfig) -> str:
    """The folder of a sample: labels and files lie in it; of a feature group the labels alone."""
    if production.group is None:
        return production.files.rpartition("/")[0]
    return (production.labels.url or production.labels.file or "").removeprefix("sqlite:///").rpartition("/")[0]
