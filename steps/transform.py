"""Asks the registered model about the test split by a batch transform: SageMaker's, or processes of this machine."""

from typing import TYPE_CHECKING, Annotated, Any

from datasets import DatasetDict
from zenml import get_step_context, log_metadata, step
from zenml.client import Client

from finetune.artifacts import Predictions
from finetune.config.transform import TransformConfig
from finetune.experiment import Home
from finetune.prepare.columns import GUID, LABELS
from finetune.progress import say
from finetune.registry.facts import PACKAGE, read_facts
from finetune.storage.uri import is_s3, join
from finetune.transform.here import ask_here
from finetune.transform.packaged import files_of_instances
from finetune.transform.payloads import MB
from finetune.transform.records import records_of_ids
from finetune.transform.scored import tabulate
from finetune.transform.work import Plan, Work, as_lines, ordered
from materializers.table import TableMaterializer
from steps.work import run_facts, working

if TYPE_CHECKING:
    from operators.step_operator import SagemakerJobs


@step(output_materializers={"transformed": TableMaterializer})
def transform(
    registered: dict[str, str], dataset: DatasetDict, home: Home, settings: TransformConfig
) -> tuple[Annotated[Predictions, "transformed"], Annotated[dict[str, Any], "transform"]]:
    """Gives the answers as evaluate gives predictions, and counts; failed records stay in `<home>/runs/<n>/transform/`.

    `registered` is what the step register gave: the package is there.
    """
    number = run_facts()["run_number"]
    folder = home.run(number) / "transform"
    test = dataset["test"]
    references = dict(zip(test[GUID][:], test[LABELS][:], strict=True))
    with working() as scratch:
        package = scratch / PACKAGE
        home.storage.fetch(str(home.model(number) / PACKAGE), package)
        home.storage.claim(str(folder))
        work = Work(str(folder / "work"))
        names = files_of_instances(package)
        plan = work.planned(
            f"the test split of run {number}",
            records_of_ids(str(home.reconciled), references, names),
            per_file=settings.records_per_file,
            most_bytes=settings.max_payload_mb * MB,
        )
        todo = work.todo(plan)
        if todo:
            say(f"transform: {plan.records:,} records; {len(todo)} of {plan.parts} files are left to do")
            operator = _operator() if is_s3(work.folder) else None
            if operator is not None:
                _ask_sagemaker(operator, home, number, work, todo, settings)
            else:
                ask_here(work, todo, package, settings)
        table, counts = _result(home, number, work, plan, references, scratch / "transformed.parquet")
        return table, counts  # ZenML counts the outputs in this line


def _result(
    home: Home, number: int, work: Work, plan: Plan, references: dict[str, int], target: Any
) -> tuple[Predictions, dict[str, Any]]:
    answered, failed = ordered(work.results(plan))
    place = join(str(home.run(number)), "transform", "failed.jsonl")
    home.storage.write(place, as_lines(failed))
    counts: dict[str, Any] = {
        "records": len(references),
        "answered": len(answered),
        "failed": len(failed),
        "failed_records": place,
    }
    log_metadata(counts)
    if failed:
        say(f"transform: {len(failed)} of {len(references)} records have no answer; reasons: {place}")
    table = tabulate(answered, references, read_facts(home, number).labels, target)
    home.storage.delete_below(work.folder)
    return Predictions(table), counts


def _ask_sagemaker(
    operator: "SagemakerJobs", home: Home, number: int, work: Work, todo: list[str], settings: TransformConfig
) -> None:
    from operators.stop import RUN_TAG
    from operators.transform import Wanted, ask_sagemaker

    run = get_step_context().pipeline_run.name
    wanted = Wanted(
        stem=f"{home.experiment}-{number}",
        package=str(home.model(number) / PACKAGE),
        image=run_facts()["image"],
        account=operator.account,
        settings=settings,
        tags={RUN_TAG: run[:256], "finetune:step": "transform"},
    )
    ask_sagemaker(operator.client, work, todo, wanted, say)


def _operator() -> "SagemakerJobs | None":
    """The stack's step operator, which knows account and credentials; None on this machine."""
    from operators.step_operator import SagemakerJobs

    operator = Client().active_stack.step_operator
    return operator if isinstance(operator, SagemakerJobs) else None
