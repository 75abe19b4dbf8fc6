"""Searches the best parameters by SageMaker's own hyperparameter tuning job."""

from typing import TYPE_CHECKING, Annotated, Any

from datasets import DatasetDict
from zenml import get_step_context, step
from zenml.client import Client
from zenml.types import HTMLString

from finetune.config.experiment import ExperimentConfig
from finetune.config.model import ModelConfig
from finetune.config.train import TrainConfig
from finetune.config.tune import TuneConfig
from finetune.errors import TuneError
from finetune.evaluation.direction import lower_is_better
from finetune.experiment import Home
from finetune.progress import say
from finetune.storage.publish import publish
from finetune.storage.storage import storage_of
from finetune.tuning.training_job import Searched
from finetune.tuning.tune import objective_of, tuned_by
from steps.checkpoints import ended_by_the_platform, key_of_step
from steps.tuned import hand_on
from steps.work import run_facts, working

if TYPE_CHECKING:
    from operators.step_operator import SagemakerJobs


@step
def tuning_job(
    dataset: DatasetDict,
    preparation: dict[str, Any],
    home: Home,
    settings: TuneConfig,
    train: TrainConfig,
    model: ModelConfig,
    functions: str,
    code: str,
) -> tuple[
    Annotated[dict[str, Any], "best"],
    Annotated[dict[str, Any], "study"],
    Annotated[HTMLString, "tuning_report"],
]:
    """Waits for the tuning job, which it begins unless it runs already; `code` is the hash of model and metrics."""
    from operators.stop import RUN_TAG
    from operators.tuner import search
    from operators.tuning_request import Wanted, tuning_name

    facts, operator, key = run_facts(), _operator(), key_of_step()
    machines = ExperimentConfig.model_validate(facts["config"]).compute.tune
    if machines is None:
        raise TuneError("compute.tune: there is no entry for the training jobs of the tuning job; add one")
    place, objective = str(home.study(facts["run_number"]) / key), objective_of(settings, train)
    with working() as scratch, ended_by_the_platform():
        Searched(
            functions=functions,
            labels=preparation["labels"],
            model=model.model_dump(mode="json"),
            train=train.model_dump(mode="json"),
            space={name: each.model_dump(mode="json") for name, each in settings.space.items()},
            objective=objective,
        ).write(scratch, dataset)
        publish(scratch, f"{place}/input")
        wanted = Wanted(
            name=tuning_name(home.root, home.experiment, facts["run_number"], key),
            image=facts["image"],
            machines=machines,
            account=operator.account,
            place=place,
            settings=settings,
            lower_is_better=lower_is_better(objective),
            tags={RUN_TAG: get_step_context().pipeline_run.name[:256], "finetune:step": "tune"},
        )
        records = search(operator.client, wanted, say)
        tuned = tuned_by(records, facts, model.model_dump(), train, settings)
        storage_of(place).delete_below(place)
        best, study, page = hand_on(tuned)
        return best, study, page  # ZenML counts the outputs in this line


def _operator() -> "SagemakerJobs":
    """The stack's step operator, which knows account and credentials.

    Raises:
        TuneError: The stack has none that starts SageMaker's jobs.
    """
    from operators.step_operator import SagemakerJobs

    operator = Client().active_stack.step_operator
    if not isinstance(operator, SagemakerJobs):
        raise TuneError("tune.engine: sagemaker needs a stack whose step_operator has the flavor finetune_sagemaker")
    return operator
