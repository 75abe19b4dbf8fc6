"""What came of a run: the facts that ZenML knows of it, for run.json, and a table for the terminal."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.gated import gate_lines, is_gated
from cli.models import COMPARISON, PAGE, compared, comparison_table, number, shown_metrics, told
from finetune.checks.finding import warnings_of
from finetune.errors import RunError
from finetune.evaluation.names import BASELINES
from finetune.experiment import Home
from finetune.invocations import names_of_models, suffix_of
from finetune.runs import Run, Status
from finetune.storage.storage import storage_of
from finetune.tuning.words import tuning_lines
from finetune.words import duration

if TYPE_CHECKING:
    from rich.table import Table
    from zenml.models import PipelineRunResponse, StepRunResponse

REPORT, TUNING_REPORT = "report.html", "tuning.html"


def outcome(run: Run, status: Status, home: Home, pipeline_run: "PipelineRunResponse | None") -> Run:
    """Fills in a run's outcome from its ZenML run, and puts its report into the run's folder.

    Raises:
        RunError: The report cannot be copied.
    """
    if pipeline_run is None:
        return run.ended(status)
    artifacts = artifacts_of(pipeline_run)
    metrics = artifacts["metrics"].load() if "metrics" in artifacts else {}
    for name, artifact in artifacts.items():
        if name == "report" or name.startswith("report_"):
            _copy_report(f"{artifact.uri}/output.html", home, run.run_number, f"{name}.html")
    several: dict[str, Any] = {}
    if COMPARISON in artifacts:
        several = compared(artifacts[COMPARISON].load())
        _copy_report(f"{artifacts['comparison_report'].uri}/output.html", home, run.run_number, PAGE)
    tuning: dict[str, Any] = {}
    if "study" in artifacts:
        tuning = {name: value for name, value in artifacts["study"].load().items() if name != "trials"}
        _copy_report(f"{artifacts['tuning_report'].uri}/output.html", home, run.run_number, TUNING_REPORT)
    gate: dict[str, Any] = {}
    if "gate" in artifacts:
        gate = artifacts["gate"].load()
        _copy_report(f"{artifacts['gated_report'].uri}/output.html", home, run.run_number, report_of(artifacts))
        if status is Status.FAILED and is_gated(gate, several):
            status = Status.GATED
    return run.ended(
        status,
        data=str(artifacts["manifest"].run_metadata.get("sha256", "")) if "manifest" in artifacts else "",
        seconds=_seconds(pipeline_run),
        metrics=metrics.get("metrics", {}),
        baselines=several.get("baselines", metrics.get("baselines", {})),
        margins={} if several else metrics.get("margins", {}),
        models=several.get("models", {}),
        tuning=tuning,
        labels=artifacts["labels"].load() if "labels" in artifacts else {},
        checks=artifacts["checks"].load() if "checks" in artifacts else [],
        gate=gate,
        registered=artifacts["registered"].load() if "registered" in artifacts else {},
        transformed=artifacts["transformed_metrics"].load() if "transformed_metrics" in artifacts else {},
        artifacts={name: artifact.uri for name, artifact in artifacts.items()},
    )


def report_of(artifacts: Mapping[str, Any]) -> str:
    """The name of the report that a person opens first."""
    return PAGE if COMPARISON in artifacts else REPORT


def _copy_report(page: str, home: Home, number: int, name: str) -> None:
    target = home.run(number) / name
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
    """The newest version of each artifact that the run's steps gave; of several models, each with the model's name."""
    models = names_of_models(pipeline_run.config.extra.get("config", {}))
    return {
        f"{name}{suffix_of(step, models)}": versions[0]
        for step, run in pipeline_run.steps.items()
        for name, versions in run.outputs.items()
    }


def _seconds(pipeline_run: "PipelineRunResponse") -> dict[str, float]:
    return {
        name: 0.0 if _is_cached(step) else float(str(step.run_metadata.get("seconds", 0.0)))
        for name, step in pipeline_run.steps.items()
    }


def print_summary(run: Run, home: Home, pipeline_run: "PipelineRunResponse | None", *, seconds: float) -> None:
    """Prints metrics against baselines, the verdict, seconds of each step and of all, and where to look."""
    from rich.console import Console

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 100)
    console.print(f"{run.experiment}, run {run.run_number}", highlight=False)
    artifacts = artifacts_of(pipeline_run) if pipeline_run else {}
    comparison = artifacts[COMPARISON].load() if COMPARISON in artifacts else None
    if comparison or run.metrics:
        console.print(comparison_table(comparison) if comparison else _table(run))
    for line in (*(told(comparison) if comparison else _verdict(run)), *tuning_lines(run.tuning)):
        console.print(line, highlight=False, soft_wrap=True)
    for line in gate_lines(run):
        console.print(line, highlight=False, soft_wrap=True)
    for name in warnings_of(run.checks):
        console.print(f"check      {name}: see the report", highlight=False, soft_wrap=True)
    console.print(_steps(run, pipeline_run), highlight=False, soft_wrap=True)
    console.print(f"in all     {duration(seconds)}", highlight=False)
    folder = _at_hand(run, home)
    for name, page, step, done in _reports(run):
        cached = "" if run.seconds.get(step) else f" (of the earlier run that {done} this)"
        console.print(f"{name.ljust(10)} {folder / page}{cached}", highlight=False, soft_wrap=True)
    console.print(f"record     {folder / 'run.json'}", highlight=False, soft_wrap=True)
    console.print(f"dashboard  {_dashboard(pipeline_run)}", highlight=False, soft_wrap=True)


def _reports(run: Run) -> Iterator[tuple[str, str, str, str]]:
    """The pages of a run: what the terminal calls each, its file, the step that made it, and what that step did."""
    if run.models:
        yield "report", PAGE, "compare", "compared"
    elif run.metrics:
        yield "report", REPORT, "evaluate", "evaluated"
    elif run.config["pipeline"] == "features" and "report" in run.artifacts:
        yield "report", REPORT, "merge", "merged"
    if run.tuning:
        yield "tuning", TUNING_REPORT, "tune" if "tune" in run.seconds else "study", "tuned"


def _verdict(run: Run) -> list[str]:
    return [verdict_of(run)] if run.metrics else []


def _table(run: Run) -> "Table":
    """The metrics of the model above those of the baselines."""
    from rich.table import Table

    table = Table()
    shown = dict.fromkeys([*shown_metrics(run.metrics), _headline(run)])
    table.add_column("test split")
    for metric in shown:
        table.add_column(metric, justify="right")
    for who, metrics in {"this model": run.metrics, **run.baselines}.items():
        table.add_row(BASELINES.get(who, who), *(number(metrics.get(metric)) for metric in shown))
    return table


def verdict_of(run: Run) -> str:
    """The sentence that heads the report; how many test ids there were is not in the record."""
    from finetune.report.verdict import verdict

    headline = _headline(run)
    baselines = {BASELINES.get(name, name): of for name, of in run.baselines.items()}
    margins = {BASELINES.get(name, name): of for name, of in run.margins.items()}
    return verdict(headline, run.metrics, baselines, margins)


def _headline(run: Run) -> str:
    from finetune.report.verdict import headline_metric

    return headline_metric(run.config["train"]["best_metric"], run.metrics)


def _steps(run: Run, pipeline_run: "PipelineRunResponse | None") -> str:
    cached = {name for name, step in pipeline_run.steps.items() if _is_cached(step)} if pipeline_run else set()
    parts = (f"{name} {'cached' if name in cached else f'{took:.1f} s'}" for name, took in run.seconds.items())
    return f"steps      {', '.join(parts)}"


def _is_cached(step: "StepRunResponse") -> bool:
    return step.status.value == "cached"


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
    for name in (*(page for _, page, *_ in _reports(run)), "run.json"):
        home.storage.fetch(str(folder / name), here / name)
    return here
