"""`run.py runs EXPERIMENT`: its newest runs, how they ended, what they scored, and what changed between them."""

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from cli.arguments import experiment_parser
from cli.main import Exit
from cli.models import number, shown_metrics
from cli.resume import experiment_home
from finetune.config.difference import differences
from finetune.errors import RunError
from finetune.evaluation.direction import lower_is_better
from finetune.experiment import Home
from finetune.runs import Run, numbers, read
from finetune.words import duration, moment

if TYPE_CHECKING:
    from rich.table import Table

NEWEST = 20
"""Runs that are shown."""
CHANGES, LONGEST = 3, 40
"""Changed keys of the config that are shown of a run; characters of a value."""
READERS = 16


def runs(arguments: Sequence[str]) -> int:
    """Prints the table.

    Raises:
        ConfigError: There is no such experiment, or several have that beginning.
        RunError: It has no runs.
    """
    options = experiment_parser("runs", "The newest runs of an experiment.").parse_args(arguments)
    with experiment_home(options) as (_, home):
        claimed = numbers(home)
        if not claimed:
            raise RunError(f"runs {home.experiment}: it has no runs in {home.path}")
        shown = claimed[-NEWEST - 1 :]  # with the one before, which tells what changed
        with ThreadPoolExecutor(READERS) as pool:
            records = dict(zip(shown, pool.map(lambda each: _record(home, each), shown), strict=True))
    from rich.console import Console

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140)
    console.print(f"{home.experiment}: {home.runs}", highlight=False, soft_wrap=True)
    console.print(table(records))
    if len(claimed) > NEWEST:
        console.print(f"and {len(claimed) - NEWEST:,} older runs", highlight=False)
    return Exit.DONE


def _record(home: Home, number: int) -> Run | None:
    try:
        return read(home, number)
    except RunError:
        return None  # claimed by a process that was killed at once, or torn by hand


def table(records: Mapping[int, Run | None]) -> "Table":
    """A row for each of the newest runs, the newest first.

    Args:
        records: The runs by number, in order; None where there is no record. The oldest tells what changed after it.
    """
    from rich.table import Table

    known = [each for each in records.values() if each is not None]
    metrics = shown_metrics(next((scores for each in reversed(known) if (scores := scores_of(each))), {}))
    result = Table()
    for column in ("run", "status", "started", "time", *metrics, "over baseline", "changed since the run before"):
        result.add_column(column, justify="right" if column in (*metrics, "time", "over baseline") else "left")
    rows = list(records.items())[-NEWEST:]
    for run_number, run in reversed(rows):
        if run is None:
            result.add_row(str(run_number), "no record")
            continue
        scores, before = scores_of(run), [each for each in known if each.run_number < run_number]
        changed = changes(before[-1], run) if before else []
        seconds = duration(sum(run.seconds.values())) if run.seconds else ""
        cells = (*(number(scores.get(metric)) for metric in metrics), margin_of(run), "\n".join(changed))
        result.add_row(str(run_number), run.status, moment(run.started), seconds, *cells)
    return result


def scores_of(run: Run) -> Mapping[str, float]:
    """The metrics of a run; of several models those of the best one."""
    metric = _best_metric(run)
    several = [each["metrics"] for each in run.models.values() if metric in each.get("metrics", {})]
    return run.metrics or max(several, key=lambda metrics: _sign(metric) * metrics[metric], default={})


def margin_of(run: Run) -> str:
    """How much better it is than the best baseline, in the metric that its checkpoints are chosen by, or the first."""
    scores = scores_of(run)
    metric = next((each for each in (_best_metric(run), *shown_metrics(scores)) if each in scores), "")
    known = [each[metric] for each in run.baselines.values() if metric in each]
    if not known:
        return ""
    sign = _sign(metric)
    of = "" if metric in shown_metrics(scores) else f" in {metric}"
    return f"{min(sign * (scores[metric] - each) for each in known):+.3f}{of}"


def _sign(metric: str) -> int:
    return -1 if lower_is_better(metric) else 1


def _best_metric(run: Run) -> str:
    return str(run.config.get("train", {}).get("best_metric", ""))


def changes(before: Run, after: Run) -> list[str]:
    """Whether labels or files and functions changed, the first changed keys of the config, and how many more there are.

    Of a run that was not completed nobody may know its data; then nothing is said of them.
    """
    lines = ["labels or files"] if before.data and after.data and before.data != after.data else []
    if before.code and after.code and before.code != after.code:
        lines.append("functions.py, or what it imports")
    found = differences(before.config, after.config)
    lines += [f"{each.key}: {_shown(each.left)} -> {_shown(each.right)}" for each in found[:CHANGES]]
    return [*lines, f"and {len(found) - CHANGES} more"] if len(found) > CHANGES else lines


def _shown(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
