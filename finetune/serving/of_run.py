"""The package of a run that is not registered, from the artifacts that its record names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.config.experiment import ExperimentConfig
from finetune.errors import ServeError
from finetune.evaluation.approved import TABLE
from finetune.evaluation.golden import golden_requests
from finetune.experiment import Home
from finetune.progress import say
from finetune.runs import Run
from finetune.serving.package import Package, write_package
from finetune.storage.cache import local_folder
from finetune.training.model_folder import read_facts


def package_of_run(home: Home, run: Run, target: Path) -> Package:
    """Packs the model of a run with the code as it is now; the golden requests are ids of its test split.

    Raises:
        ServeError: The run has no model or no predictions, or several models.
        FinetuneError: Its artifacts, its files at home or its functions are gone.
    """
    if run.models:
        raise ServeError(
            f"run {run.run_number} of {home.experiment} has several models, and none is registered; a run with "
            f"steps.register: true registers the best"
        )
    config = ExperimentConfig.model_validate(run.config)
    model = local_folder(_artifact(home, run, run.artifacts, "model"))
    predictions = local_folder(_artifact(home, run, run.artifacts, "predictions")) / TABLE
    facts = read_facts(model)
    if facts.of_other_code:
        say(
            f"encode_data or get_model of experiments/{facts.functions} changed since the run was trained: the server "
            f"starts only if it still answers as in the run's report; if not, take the change back"
        )
    files = {"produced": config.production.files_from_production, "at_home": config.files_at_home}
    golden = golden_requests(home, model, predictions, **files)
    return write_package(model, functions=facts.functions, labels=facts.labels, golden=golden, target=target)


def _artifact(home: Home, run: Run, artifacts: Mapping[str, Any], name: str) -> str:
    if name not in artifacts:
        raise ServeError(
            f"run {run.run_number} of {home.experiment} is {run.status} and has no {name}: only a run that was trained "
            f"and evaluated can be served"
        )
    return str(artifacts[name])
