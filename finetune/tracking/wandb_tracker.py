"""Weights & Biases: a run for each step, grouped by experiment and named by run number."""

import base64
import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.tracking.once import Once, brief
from finetune.tracking.settings import Tracking, Wandb
from finetune.tracking.tracker import Ended, Point

ENVIRONMENT = {"WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
"""Defaults; what the user has set stays."""
INIT_S, FINISH_S = 10.0, 10.0
_OPEN: set[str] = set()
_OPEN_LOCK = threading.Lock()
"""Ids of this process's open runs: they share a service."""


class WandbTracker:
    """One step's run. Where wandb does not answer, it is written to disk, to be sent later by `wandb sync`."""

    name = "wandb"

    def __init__(self, tracking: Tracking, settings: Wandb, once: Once) -> None:
        """Reaches nobody yet; `once` tells if wandb does not answer."""
        self._tracking, self._settings, self._once = tracking, settings, once
        self.where = f"{settings.entity}/{settings.project}" if settings.entity else settings.project
        self._kind, _, self._model = tracking.step.partition("_")

    def open(self) -> None:
        """Goes on with the run, or begins it."""
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        import wandb

        self._wandb = wandb
        with _OPEN_LOCK:
            _OPEN.add(run_id(self._tracking))
        Path(self._tracking.local).mkdir(parents=True, exist_ok=True)
        if self._settings.offline or self._once.said:
            self._run = self._init("offline")
            return
        try:
            if not (os.environ.get("WANDB_IDENTITY_TOKEN_FILE") or wandb.api.api_key):
                raise wandb.Error("there is no key; set WANDB_API_KEY")  # wandb itself would ask on a terminal
            self._run = self._init("online")
        except wandb.Error as error:
            with _OPEN_LOCK:
                if len(_OPEN) == 1:
                    wandb.teardown()  # else its service holds the id as in use
            self._run = self._init("offline")
            self._once.say(
                f"{self.where} cannot be reached ({brief(error)}); the run goes on, and its points are written to "
                f"{self._tracking.run}/wandb, from where `wandb sync` sends them"
            )

    def metrics(self, points: Sequence[Point]) -> None:
        """Logs them; steps that were logged before training went back to a checkpoint are left out."""
        for point in points:
            if point.step is None:
                self._run.log(dict(point.values))
            elif point.step >= self._run.step and not point.known:
                self._run.log(dict(point.values), step=point.step)

    def file(self, name: str, content: bytes) -> None:
        """Logs a page, or a figure as a page."""
        if name.endswith(".svg"):
            drawn = base64.b64encode(content).decode("ascii")
            content = f'<img src="data:image/svg+xml;base64,{drawn}">'.encode()
        self._run.log({Path(name).stem: self._wandb.Html(content.decode("utf-8"), inject=False)})

    def sample(self, at: float) -> None:
        """Nothing: wandb itself watches the machine."""

    def end(self, status: Ended) -> None:
        """Ends the run; wandb knows only success and failure, so that a stop stands in the summary."""
        self._run.summary["ended"] = str(status)
        self._run.finish(exit_code=0 if status is Ended.FINISHED else 1)
        with _OPEN_LOCK:
            _OPEN.discard(run_id(self._tracking))
            if not _OPEN:
                self._wandb.teardown()  # its service writes the last of a run to disk only when it ends

    def _init(self, mode: Any) -> Any:
        tracking, settings = self._tracking, self._settings
        return self._wandb.init(
            project=settings.project,
            entity=settings.entity,
            group=tracking.experiment,
            name=f"{tracking.run_number} {self._model}".rstrip(),
            job_type=self._kind,
            id=run_id(tracking),
            resume="allow" if mode == "online" else None,
            mode=mode,
            dir=tracking.local,
            config=dict(tracking.parameters),
            allow_val_change=True,
            settings=self._wandb.Settings(
                console="off",  # else it wraps stdout and stderr
                silent=True,
                reinit="create_new",
                init_timeout=INIT_S,
                finish_timeout=FINISH_S,
                disable_git=True,
                sagemaker_disable=True,  # else a training job's name becomes the run's id
            ),
        )


def run_id(tracking: Tracking) -> str:
    """The same for each attempt at a step of a run, and for no other: two homes may both have a run 7."""
    told = hashlib.sha256(tracking.started.encode()).hexdigest()[:8]
    return f"{tracking.experiment}-{tracking.run_number}-{tracking.step}-{told}".replace(":", "-")
