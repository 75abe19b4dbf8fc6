"""The report of a study: Optuna's own plots and the table of trials, as one HTML page that stands alone."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import optuna
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from finetune.report.canvas import image
from finetune.tuning.result import StudyResult
from finetune.tuning.words import value_told
from finetune.words import counted, duration

SIZE = (8.4, 4.2)
"""In inches."""
LEAST = 2
"""Completed trials from which on there is something to compare."""


def build_page(result: StudyResult, study: optuna.Study, run: Mapping[str, Any]) -> str:
    """Builds the page.

    Args:
        result: What the study came to.
        study: The same trials as Optuna has them.
        run: experiment, run_number, stack and started of the run.

    Returns:
        A whole HTML document, to be written as UTF-8.
    """
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader([folder, folder.parent / "report"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(told=value_told, duration=duration, counted=counted)
    names = list(dict.fromkeys(name for trial in result.trials for name in trial["params"]))
    page = environment.get_template("study.html.j2")
    return page.render(result=result, names=names, plots=_plots(study, result.objective), run=run)


def _plots(study: optuna.Study, objective: str) -> dict[str, str]:
    """SVG data URIs by title; what cannot be drawn from these trials is left out."""
    from optuna.visualization import matplotlib as drawn

    completed = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    wanted: dict[str, Callable[[], Any]] = {
        "History": lambda: drawn.plot_optimization_history(study, target_name=objective)
    }
    if len(completed) >= LEAST:
        wanted["Importance of the parameters"] = lambda: drawn.plot_param_importances(study)
        wanted["Parallel coordinates"] = lambda: drawn.plot_parallel_coordinate(study, target_name=objective)
    with _quietly():
        found = {title: _drawn(plot) for title, plot in wanted.items()}
    return {title: uri for title, uri in found.items() if uri}


def _drawn(plot: Callable[[], Any]) -> str | None:
    from matplotlib import pyplot

    try:
        figure = plot().figure
        figure.set_size_inches(*SIZE)
        with mpl.rc_context({"savefig.bbox": "tight"}):  # or long names of parameters would be cut off
            return image(figure)
    except (ValueError, RuntimeError):  # such as importances where all values are equal
        return None
    finally:
        pyplot.close("all")


@contextmanager
def _quietly() -> Iterator[None]:
    """Optuna draws with pyplot, which would open windows, and warns that its plots are new."""
    from matplotlib import pyplot

    before = pyplot.get_backend()
    pyplot.switch_backend("agg")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        pyplot.switch_backend(before)
