"""The sample production source of an example: built if it is absent, and published where a stack reads."""

from pathlib import Path

from finetune.config.experiment import ExperimentConfig
from finetune.progress import say
from finetune.storage.uri import is_s3


def bring_sample(config: ExperimentConfig, placed: ExperimentConfig, *, whole: bool = True) -> None:
    """Builds the sample that the config names, if the source is absent, and publishes it where the stack reads from S3.

    Args:
        config: As its file says, with places of this machine.
        placed: The same as it runs on the stack.
        whole: Publish everything, and not only the ids that the config's labels name.
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
        _publish(config, placed, folder, whole=whole)


def _publish(config: ExperimentConfig, placed: ExperimentConfig, folder: Path, *, whole: bool) -> None:
    """Publishes labels and files as far as they are not there."""
    from finetune.reconcile.labels import labels_of
    from finetune.storage.publish import publish
    from finetune.storage.storage import storage_of
    from operators.secrets import secret_readers

    target = placed.production.files.rpartition("/")[0]
    there = set(storage_of(target).folders(placed.production.files))
    known = {path.name for path in (folder / "files").iterdir()}
    labelled = [] if whole else labels_of(config.production.labels, secret_readers())
    named = known if whole else known & {str(row["guid"]) for row in labelled}
    names = [
        f"files/{guid}/{name}" for guid in sorted(named - there) for name in config.production.files_from_production
    ]
    if names:
        say(f"publishing the sample production source in {target}")
        publish(folder, target, [*names, "labels.db"])
