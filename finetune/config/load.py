"""Load a config: YAML, `extends`, `--set`, `${env:NAME}`, then the models; every problem at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from finetune.config.experiment import ExperimentConfig
from finetune.config.fields import spot
from finetune.config.located import Located, Place, Problem, located, plain
from finetune.config.overrides import override
from finetune.config.problems import explain, message
from finetune.config.references import expand
from finetune.config.sources import read_chain
from finetune.errors import ConfigError

ROOT = spot(ExperimentConfig)


def load_config(path: Path | str, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """Return the checked config of one experiment.

    Args:
        path: YAML file; `extends: other.yaml` in it is relative to it.
        overrides: Texts of the form `train.epochs=3`, laid over the file.

    Raises:
        ConfigError: Something is wrong with the file or its values. The message has a line for each problem:
            file and line (or the override), dotted key, rule, value. Values of secrets are not shown.
    """
    problems: list[Problem] = []
    tree = read_chain(Path(path), problems)
    config = None
    if tree is not None:
        tree = override(tree, overrides, ROOT, problems)
        config = _validated(expand(tree, ROOT, problems), problems)
    if config is None or problems:
        raise ConfigError(message(problems))
    return config


def load_resolved(config: dict[str, Any], overrides: Sequence[str] = ()) -> ExperimentConfig:
    """Return a run's config as its record has it, with values laid over it.

    Args:
        config: What `resolved` gave.
        overrides: Texts of the form `deploy.instance_count=3`.

    Raises:
        ConfigError: A value is wrong.
    """
    problems: list[Problem] = []
    tree = override(located(config, Place("the run's config")), overrides, ROOT, problems)
    found = _validated(tree, problems)
    if found is None or problems:
        raise ConfigError(message(problems))
    return found


def resolved(config: ExperimentConfig) -> dict[str, Any]:
    """Return the config as JSON has it: defaults filled in, secrets left as references."""
    return config.model_dump(mode="json")


def _validated(tree: Located, problems: list[Problem]) -> ExperimentConfig | None:
    """Return the config, or None after its problems are added; a key that has one already gets no second."""
    try:
        return ExperimentConfig.model_validate(plain(tree))
    except ValidationError as error:
        found = explain(error.errors(include_url=False, include_input=False), tree, ROOT)
    known = {problem.path for problem in problems if problem.path}
    problems.extend(problem for problem in found if problem.path not in known)
    return None
