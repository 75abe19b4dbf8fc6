"""The sample production source of an example: built if it is absent, and published where a stack reads."""

from pathlib import Path

from finetune.config.experiment import ExperimentConfig
from finetune.progress import say
from finetune.storage.uri import is_s3


def bring_sample(config: ExperimentConfig, placed: ExperimentConfig) -> None:
    """Builds the sample that the config names, if the source is absent, and publishes it where the stack reads from S3.

    Args:
        config: As its file says, with places of this machine.
        placed: The same as it runs on the stack.
    """
    production = config.production
    if production.sample is None or is_s3(production.files):
        return
    folder = Path(production.files).parent
    if not folder.exists():
        from importlib import import_module

        say(f"building the sample production source {folder} (once)")
        import_module(f"experiments.{production.sample}.sample").build(folder)
    if is_s3(placed.production.files):
        _publish(config, placed, folder)


def _publish(config: ExperimentConfig, placed: ExperimentConfig, folder: Path) -> None:
    """Publishes the labels, and the files of the ids that the config's query selects, as far as they are not there."""
    from finetune.reconcile.labels import labels_of
    from finetune.storage.publish import publish
    from finetune.storage.storage import storage_of

    target = placed.production.files.rpartition("/")[0]
    there = set(storage_of(target).folders(placed.production.files))
    wanted = sorted({str(row["guid"]) for row in labels_of(config.production.labels)} - there)
    names = [f"files/{guid}/{name}" for guid in wanted for name in config.production.files_from_production]
    found = [name for name in names if (folder / name).is_file()]
    if found or not there:
        say(f"publishing the sample production source in {target}")
        publish(folder, target, [*found, "labels.db"])
