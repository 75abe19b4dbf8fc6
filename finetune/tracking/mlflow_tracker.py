"""MLflow: an experiment for each experiment, and one run for each run number, which all of its steps log into."""

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from finetune.config.tracking import SQLITE
from finetune.tracking.mlflow_claim import Claim
from finetune.tracking.mlflow_rules import RUNNING, clean, is_there, state_of_run
from finetune.tracking.once import without_credentials
from finetune.tracking.settings import Mlflow, Tracking
from finetune.tracking.tracker import Ended, Point, Refused

T = TypeVar("T")

ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # the guard tries again
}
"""Defaults; what the user has set stays."""
STATE = "finetune.state."
"""A tag: how far a step is."""
PARAMETERS_AT_ONCE, METRICS_AT_ONCE, LONGEST_PARAMETER = 100, 1000, 6000
TRY_AGAIN = {408, 429}


class MlflowTracker:
    """One step's part of the run of MLflow; several models of one run have their names before their metrics."""

    name = "mlflow"

    def __init__(self, tracking: Tracking, settings: Mlflow) -> None:
        """Reaches nobody yet."""
        self._tracking, self._uri = tracking, settings.uri
        self.where = without_credentials(settings.uri)
        self._model = tracking.step.partition("_")[2]
        self._began = datetime.fromisoformat(tracking.started).timestamp()
        self._known: dict[str, dict[int, list[float]]] = {}
        self._claim: Claim | None = None
        self._found = False

    def open(self) -> None:
        """Finds the run by its tags, or makes it."""
        self._client = client_of(self._uri)
        from mlflow.entities import Metric, Param
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._metric, self._param = Metric, Param
        self._run = _asked(self._find_or_make)
        self._set_state(RUNNING)
        _asked(lambda: self._client.update_run(self._run, status="RUNNING"))
        try:
            self._log_parameters()
        except Refused:  # a parallel step logged them at the same moment; now they are there, and equal
            self._log_parameters()
        self._machine: Any = SystemMetricsMonitor(self._run, tracking_uri=self._uri)  # type: ignore[no-untyped-call]

    def metrics(self, points: Sequence[Point]) -> None:
        """Logs what is not there yet."""
        self._log(
            self._metric(clean(f"{self._model}/{name}" if self._model else name), value, int(point.at * 1000), step)
            for point in points
            for step in [point.step or 0]
            for name, value in point.values.items()
        )

    def file(self, name: str, content: bytes) -> None:
        """Logs an artifact."""
        path = f"{self._model}/{name}" if self._model else name
        _asked(lambda: self._client.log_text(self._run, content.decode("utf-8"), path))

    def sample(self, at: float) -> None:
        """Logs processor, memory, disk, network and GPUs under MLflow's own names, by seconds since the run began."""
        self._machine.collect_metrics()
        found = self._machine.aggregate_metrics().items()
        for monitor in self._machine.monitors:
            monitor.clear_metrics()
        step = int(at - self._began)
        self._log(self._metric(f"system/{name}", value, int(at * 1000), step) for name, value in found)

    def end(self, status: Ended) -> None:
        """Notes how the step ended, and lets the run be as bad as the worst of its steps."""
        self._set_state(status)
        tags = _asked(lambda: self._client.get_run(self._run)).data.tags
        states = [value for name, value in tags.items() if name.startswith(STATE)]
        _asked(lambda: self._client.update_run(self._run, status=state_of_run(states)))

    def _log(self, metrics: Iterable[Any]) -> None:
        new = [each for each in metrics if not is_there(each.value, self._logged(each.key).get(each.step, ()))]
        for start in range(0, len(new), METRICS_AT_ONCE):
            _asked(partial(self._client.log_batch, self._run, metrics=new[start : start + METRICS_AT_ONCE]))

    def _logged(self, name: str) -> dict[int, list[float]]:
        """What an earlier process logged, by step."""
        if name not in self._known:
            there = _asked(lambda: self._client.get_metric_history(self._run, name)) if self._found else []
            self._known[name] = {}
            for point in there:
                self._known[name].setdefault(point.step, []).append(point.value)
        return self._known[name]

    def _set_state(self, state: str) -> None:
        _asked(lambda: self._client.set_tag(self._run, f"{STATE}{self._tracking.step}", str(state)))

    def _log_parameters(self) -> None:
        every = [
            self._param(clean(key), str(value)[:LONGEST_PARAMETER]) for key, value in self._tracking.parameters.items()
        ]
        for start in range(0, len(every), PARAMETERS_AT_ONCE):
            params = every[start : start + PARAMETERS_AT_ONCE]
            _asked(partial(self._client.log_batch, self._run, params=params))

    def _find_or_make(self) -> str:
        """The run's id."""
        if self._claim is None:
            tracking = self._tracking
            number = f"{tracking.experiment}/{tracking.run_number}"
            name = str(tracking.run_number)
            self._claim = Claim(self._client, self._experiment(), number, tracking.started, name)
        run = self._claim.run()
        self._found = run != self._claim.made
        return run

    def _experiment(self) -> str:
        name = self._tracking.experiment
        known = self._client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        try:
            return str(self._client.create_experiment(name, artifact_location=self._artifacts()))
        except Exception:
            known = self._client.get_experiment_by_name(name)  # another step was faster
            if known is None:
                raise
            return str(known.experiment_id)

    def _artifacts(self) -> str | None:
        """A server knows where files go; those of a database lie beside it, and not in the working directory."""
        if not self._uri.startswith(SQLITE):
            return None
        folder = Path(self._uri.removeprefix(SQLITE)).absolute().parent
        return (folder / "mlartifacts" / self._tracking.experiment).as_uri()


def client_of(uri: str) -> Any:
    """The client of a server, or of an SQLite file, which is made if it is absent; MLflow is loaded here.

    Raises:
        Refused: It will not answer, however often it is asked.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(os.environ["MLFLOW_LOGGING_LEVEL"])
    if uri.startswith(SQLITE):
        _make_database(Path(uri.removeprefix(SQLITE)).absolute())
    return _asked(lambda: MlflowClient(tracking_uri=uri))


def _make_database(file: Path) -> None:
    """Makes it whole, if it is absent: it takes MLflow seconds, and it never opens one that is half made."""
    from mlflow.tracking import MlflowClient

    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{uuid4().hex}.part")
    MlflowClient(tracking_uri=f"{SQLITE}{part}")
    with suppress(FileExistsError):  # another process was faster
        os.link(part, file)
    part.unlink()


def _asked(call: Callable[[], T]) -> T:
    """What the server answers.

    Raises:
        Refused: It will not do it, however often it is asked.
    """
    from mlflow.exceptions import MlflowException

    try:
        return call()
    except MlflowException as error:
        code = int(error.get_http_status_code())  # type: ignore[no-untyped-call]
        if 400 <= code < 500 and code not in TRY_AGAIN:
            raise Refused(str(error)) from error
        raise
