"""Follows a submitted run to its end."""

import time
from collections.abc import Callable
from uuid import UUID

from finetune.runs import Status

POLL_S = 2.0


def follow(run_id: UUID, say: Callable[[str], None]) -> Status:
    """Waits for a submitted run and says when a step changes its state."""
    from zenml.client import Client

    seen: dict[str, str] = {}
    while True:
        run = Client().get_pipeline_run(run_id)
        for name, step in run.steps.items():
            if seen.get(name) != step.status.value:
                seen[name] = step.status.value
                say(f"{name}: {step.status.value}")
        if run.status.is_finished:
            return Status(run.status.value)
        time.sleep(POLL_S)
