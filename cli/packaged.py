"""The registered model that a command names, `EXP-3333 7`: its home, its facts and its package."""

import argparse
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.arguments import experiment_parser
from finetune import runs
from finetune.config.experiment import ExperimentConfig
from finetune.errors import ConfigError, RegistryError
from finetune.experiment import Home
from finetune.registry.facts import FILE, PACKAGE
from stacks.files import Stack


@dataclass(frozen=True)
class Packaged:
    """A model that a run has registered."""

    home: Home
    number: int
    config: ExperimentConfig
    facts: dict[str, Any]
    """model.json."""

    @property
    def package(self) -> str:
        """Where its model.tar.gz lies."""
        return str(self.home.model(self.number) / PACKAGE)

    @property
    def image(self) -> str | None:
        """The image that its run used, by digest; None of a run on this machine."""
        image: str | None = self.facts.get("image")
        return image


def packaged_parser(command: str, description: str, *, stack: str) -> argparse.ArgumentParser:
    """The parser of a command on one registered model; `stack` is the default."""
    result = experiment_parser(command, description, stack=stack)
    result.add_argument("number", metavar="N", type=int, help="the run whose model it is")
    return result


def set_option(parser: argparse.ArgumentParser, section: str) -> None:
    """Lets the command change keys of one section of the run's config."""
    parser.add_argument(
        "--set",
        metavar=f"{section}.KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help=f"set one key of {section}; repeatable",
    )


def find_packaged(options: argparse.Namespace, stack: Stack, section: str) -> Packaged:
    """The model, with its run's config and what the command changes in it.

    Raises:
        ConfigError: There is no such experiment, or an override is wrong or of another section.
        RunError: There is no such run.
        RegistryError: The run has registered no model, or its files are gone.
    """
    from cli.resume import find_home, roots

    home = find_home(options.experiment, roots(options.root, stack), options.command)
    record = runs.read(home, options.number)
    folder = home.model(options.number)
    content = home.storage.read(str(folder / FILE))
    if content is None or not home.storage.exists(str(folder / PACKAGE)):
        raise RegistryError(
            f"run {options.number} of {home.experiment} has no registered model: {folder} must hold {FILE} and "
            f"{PACKAGE}; run it with steps.register: true"
        )
    config = _changed(record.config, getattr(options, "overrides", []), section)
    return Packaged(home, options.number, config, json.loads(content))


def _changed(config: dict[str, Any], overrides: list[str], section: str) -> ExperimentConfig:
    from finetune.config.load import load_resolved

    other = [text for text in overrides if not text.startswith(f"{section}.")]
    if other:
        raise ConfigError(f"--set {other[0].partition('=')[0]}: only keys of {section} can be changed here")
    return load_resolved(config, overrides)


@contextmanager
def fetched(model: Packaged, scratch: Path) -> Iterator[Path]:
    """The model's package on this machine."""
    storage, place = model.home.storage, model.package
    if isinstance(model.home.path, Path):
        yield Path(place)
        return
    target = scratch / PACKAGE
    try:
        storage.fetch(place, target)
        yield target
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
