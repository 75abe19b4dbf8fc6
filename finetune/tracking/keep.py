"""Keeps what wandb wrote while it could not send: from scratch into the run's folder in S3."""

from pathlib import Path

from finetune.progress import say
from finetune.storage.storage import storage_of
from finetune.storage.uri import Place

FOLDER, UNSENT = "wandb", "offline-run-*"


def keep(scratch: Path, run: Place) -> None:
    """Copies runs that were not sent; what cannot be copied is said, and fails nothing."""
    storage = storage_of(run)
    try:
        for unsent in sorted((scratch / FOLDER).glob(UNSENT)):
            for file in (path for path in unsent.rglob("*") if path.is_file()):
                storage.put(file, str(run / FOLDER / file.relative_to(scratch / FOLDER).as_posix()))
    except Exception as error:
        say(f"wandb: what was written to disk cannot be kept in {run}: {error}")
