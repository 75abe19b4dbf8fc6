"""A study in a dynamic pipeline: the controller is in the pipeline's function, each trial a step on its own machine."""

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from zenml import pipeline
from zenml.client import Client
from zenml.execution.pipeline.dynamic.run_context import DynamicPipelineRunContext

from finetune.config.experiment import ONLY, ExperimentConfig
from finetune.errors import ComputeError, TuneError
from finetune.experiment import Home
from finetune.facts import facts_of
from finetune.invocations import trial_invocation
from finetune.tuning.journal import Journal, Record
from finetune.tuning.tune import controller_of, objective_of
from operators.step_operator import JOB_NAME
from pipelines.dynamic import values_as_parameters
from pipelines.finetune import experiment
from steps.check_data import check_data
from steps.divide import divide
from steps.encode_group import encode_group
from steps.evaluate import evaluate
from steps.fetch import fetch
from steps.fetch_dataset import fetch_dataset
from steps.gate import gate
from steps.ingest_dataset import ingest_dataset
from steps.merge import merge
from steps.metrics import metrics
from steps.prepare import prepare
from steps.reconcile import reconcile
from steps.register import register
from steps.snapshot import snapshot
from steps.study import study
from steps.train import train
from steps.transform import transform
from steps.trial import trial

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

POLL_S = 5.0
LETTERS = 16


@dataclass
class StepOnMachine:
    """A trial that was submitted."""

    future: Any
    """ZenML's, of the step."""
    run_id: UUID
    _stopping: bool = False

    def ended(self) -> str | None:
        """How the step ended, in words; None while it runs."""
        if not self.future.running():
            return "its step ended without word; see its job's log"
        if self._stopping:
            self.stop()
        return None

    def stop(self) -> None:
        """Stops the step's job, which saves; a job that does not exist yet is stopped at a later look."""
        self._stopping = True
        operator, name = Client().active_stack.step_operator, self.future.invocation_id
        for step in Client().list_run_steps(pipeline_run_id=self.run_id, name=name, exclude_retried=True, size=1):
            if operator is not None and JOB_NAME in step.run_metadata:
                with suppress(ComputeError):  # announced, and not submitted yet
                    operator.cancel(step)

    def kill(self) -> None:
        """Nothing: a job that was stopped ends by itself, in two minutes at most."""


def tuned_on_machines(config: ExperimentConfig, home: Home, dataset: Any, preparation: Any, code: str) -> Any:
    """The artifact with the best parameters of a study whose trials are steps with machines of their own."""
    model = config.all_models[ONLY][0]
    run = _run()
    number = int(facts_of(run.config.extra, run.run_metadata)["run_number"])
    place = home.study(number) / _key(config, code, dataset, preparation)
    journal = Journal(place)

    def start(record: Record) -> StepOnMachine:
        return StepOnMachine(
            trial.submit(
                dataset=dataset,
                preparation=preparation,
                home=home,
                train=config.train,
                model=model,
                functions=config.functions,
                code=code,
                params=record.params,
                objective=objective_of(config.tune, config.train),
                exchange=journal.folder(record.number),
                id=trial_invocation(record.number),
            ),
            run.id,
        )

    controller_of(config.tune, config.train, model.model_dump(), journal, start, POLL_S).run()
    best, _, _ = study(place=str(place), settings=config.tune, train=config.train, model=model)
    return best


def _run() -> "PipelineRunResponse":
    """The run whose pipeline's function this is."""
    context = DynamicPipelineRunContext.get()
    if context is None:
        raise TuneError("tune: trials on machines of their own need a dynamic pipeline")
    return context.run


def _key(config: ExperimentConfig, code: str, *inputs: Any) -> str:
    """Equal for equal code, data and settings."""
    sections = [config.tune, config.train, config.all_models[ONLY][0]]
    parts = [code, *(str(artifact.id) for artifact in inputs), *(each.model_dump_json() for each in sections)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:LETTERS]


@pipeline(
    name="finetune_trials",
    dynamic=True,
    enable_cache=True,
    depends_on=[
        *(fetch, snapshot, reconcile, check_data, prepare, divide, encode_group, merge, ingest_dataset, fetch_dataset),
        *(trial, study, train, evaluate, gate, register, transform, metrics),
    ],
)
def finetune_trials(config: dict[str, Any], code: dict[str, str], groups: list[dict[str, Any]]) -> None:
    """Runs one experiment with a study; takes what `finetune` takes."""
    values_as_parameters()
    experiment(config, code, groups, tuned_on_machines)
