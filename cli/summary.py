"""What came of a run: the facts that ZenML knows of it, for run.json, and a table for the terminal."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.errors import RunError
from finetune.evaluation.names import BASELINES
from finetune.experiment import Home
from finetune.runs import Run, Status
from finetune.storage.storage import storage_of
from finetune.words import duration

if TYPE_CHECKING:
    from zenml.models import PipelineRunResponse

SHOWN = ("accuracy", "macro_f1", "weighted_f1")


def outcome(run: Run, status: Status, home: Home, pipeline_run: "PipelineRunResponse | None") -> Run:
    """Fills in a run's outcome from its ZenML run, and puts its report into the run's folder.

    Raises:
        RunError: The report cannot be copied.
    """
    if pipeline_run is None:
        return run.ended(status)
    artifacts = artifacts_of(pipeline_run)
    metrics: dict[str, Any] = {}
    if "metrics" in artifacts:
        metrics = artifacts["metrics"].load()
        _copy_report(f"{artifacts['report'].uri}/output.html", home, run.run_number)
    return run.ended(
        status,
        seconds=_seconds(pipeline_run),
        metrics=metrics.get("metrics", {}),
        baselines=metrics.get("baselines", {}),
        artifacts={name: artifact.uri for name, artifact in artifacts.items()},
    )


def _copy_report(page: str, home: Home, number: int) -> None:
    target = home.run(number) / "report.html"
    try:
        home.storage.write(str(target), storage_of(page).read(page) or b"")
    except OSError as error:
        raise RunError(f"{target} cannot be written: {error.strerror}; make room, or mend its permissions") from error


def find_pipeline_run(name: str) -> "PipelineRunResponse | None":
    """The ZenML run of that name; None if it failed before ZenML knew of it."""
    from zenml.client import Client

    found = Client().list_pipeline_runs(name=f"equals:{name}", size=1, hydrate=True).items
    return found[0] if found else None


def artifacts_of(pipeline_run: "PipelineRunResponse") -> dict[str, Any]:
    """The newest version of each artifact that the run's steps gave."""
    return {name: versions[0] for step in pipeline_run.steps.values() for name, versions in step.outputs.items()}


def _seconds(pipeline_run: "PipelineRunResponse") -> dict[str, float]:
    return {
        name: 0.0 if step.status.value == "cached" else float(str(step.run_metadata.get("seconds", 0.0)))
        for name, step in pipeline_run.steps.items()
    }


def print_summary(run: Run, home: Home, pipeline_run: "PipelineRunResponse | None", *, seconds: float) -> None:
    """Prints metrics against baselines, the verdict, seconds of each step and of all, and where to look."""
    from rich.console import Console
    from rich.table import Table

    table = Table()
    shown = [metric for metric in SHOWN if metric in run.metrics] or list(run.metrics)[: len(SHOWN)]
    table.add_column("test split")
    for metric in shown:
        table.add_column(metric, justify="right")
    for who, metrics in {"this model": run.metrics, **run.baselines}.items():
        table.add_row(BASELINES.get(who, who), *(_number(metrics.get(metric)) for metric in shown))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 100)
    console.print(f"{run.experiment}, run {run.run_number}", highlight=False)
    console.print(table)
    console.print(verdict_of(run), highlight=False, soft_wrap=True)
    console.print(_steps(run), highlight=False, soft_wrap=True)
    console.print(f"in all     {duration(seconds)}", highlight=False)
    folder = _at_hand(run, home)
    cached = "" if run.seconds.get("evaluate") else " (of the earlier run that evaluated this)"
    console.print(f"report     {folder / 'report.html'}{cached}", highlight=False, soft_wrap=True)
    console.print(f"record     {folder / 'run.json'}", highlight=False, soft_wrap=True)
    console.print(f"dashboard  {_dashboard(pipeline_run)}", highlight=False, soft_wrap=True)


def verdict_of(run: Run) -> str:
    """The sentence that heads the report; how many test ids there were is not in the record."""
    from finetune.report.verdict import headline_metric, verdict

    headline = headline_metric(run.config["train"]["best_metric"], run.metrics)
    return verdict(headline, run.metrics, {BASELINES.get(name, name): of for name, of in run.baselines.items()})


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _steps(run: Run) -> str:
    parts = (f"{name} {f'{seconds:.1f} s' if seconds else 'cached'}" for name, seconds in run.seconds.items())
    return f"steps      {', '.join(parts)}"


def _dashboard(pipeline_run: "PipelineRunResponse | None") -> str:
    from zenml.client import Client

    page = f"/projects/default/runs/{pipeline_run.id}" if pipeline_run else ""
    server = Client().zen_store.url
    if server.startswith("http"):
        return f"{server}{page}"
    return f"zenml login --local, then http://127.0.0.1:8237{page}"


def _at_hand(run: Run, home: Home) -> Path:
    """The run's folder on this machine; of a run in S3, a copy of its report and record."""
    folder = home.run(run.run_number)
    if isinstance(folder, Path):
        return folder
    here = Path("outputs", f"from-{run.stack}", run.experiment, str(run.run_number))
    here.mkdir(parents=True, exist_ok=True)
    for name in ("report.html", "run.json"):
        home.storage.fetch(str(folder / name), here / name)
    return here
