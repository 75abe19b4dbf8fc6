"""Checks, before a run begins and without asking a server, that a tracker's database can be written."""

import os
from pathlib import Path

from finetune.config.tracking import SQLITE, TrackingConfig
from finetune.errors import ConfigError
from finetune.progress import say


def check_tracking(wanted: TrackingConfig, config: TrackingConfig) -> None:
    """Refuses an SQLite file that cannot be one, and says if there is one that the stack cannot use.

    Args:
        wanted: As the config file says.
        config: As it runs on the stack.

    Raises:
        ConfigError: It is a folder, or it or its folder cannot be written.
    """
    if wanted.mlflow is not None and config.mlflow is None:
        say(f"tracking.mlflow.uri: {wanted.mlflow.uri} is of this machine, so that the stack's jobs do not use it")
    if config.mlflow is None or not config.mlflow.uri.startswith(SQLITE):
        return
    file = Path(config.mlflow.uri.removeprefix(SQLITE)).absolute()
    there = next(place for place in (file, *file.parents) if place.exists())
    if there == file and not file.is_file():
        raise ConfigError(
            f"tracking.mlflow.uri: must name a file, but {file} is a folder; write {SQLITE}{file}/mlflow.db"
        )
    if there != file and not there.is_dir():
        raise ConfigError(f"tracking.mlflow.uri: {file} cannot be made, because {there} is a file; name another place")
    if not os.access(there, os.W_OK):
        raise ConfigError(
            f"tracking.mlflow.uri: {there} cannot be written; mend its permissions, or name another place"
        )
