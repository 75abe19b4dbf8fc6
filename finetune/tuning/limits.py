"""When a study ends. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finetune.errors import TuneError
from finetune.tuning.journal import Record, State

if TYPE_CHECKING:
    from finetune.config.tune import TuneConfig

HOUR_S = 3600.0


def spent(settings: "TuneConfig", seconds: float, trial_seconds: float) -> str | None:
    """The limit that is reached, at which trials that run are stopped, too; None if there is none.

    Args:
        settings: The config's section.
        seconds: Time of work on the study.
        trial_seconds: Time of all trials together.
    """
    if settings.max_hours is not None and seconds >= settings.max_hours * HOUR_S:
        return f"tune.max_hours ({settings.max_hours:g}) is reached"
    if settings.max_cost_usd is not None:
        cost = trial_seconds / HOUR_S * (settings.usd_per_hour or 0.0)
        if cost >= settings.max_cost_usd:
            return f"tune.max_cost_usd ({settings.max_cost_usd:g}) is reached"
    return None


def enough(settings: "TuneConfig", records: Sequence[Record], *, lower_is_better: bool) -> str | None:
    """Why no further trial is begun; None if one is."""
    if len(records) >= settings.trials:
        return f"all {settings.trials} trials were begun"
    winner = best(records, lower_is_better=lower_is_better)
    judged = [record for record in records if record.state in (State.COMPLETED, State.PRUNED)]
    since = [record for record in judged if winner is not None and record.number > winner.number]
    if settings.early_stop is not None and len(since) >= settings.early_stop:
        return f"tune.early_stop: {len(since)} trials brought no better one"
    return None


def best(records: Sequence[Record], *, lower_is_better: bool) -> Record | None:
    """The completed trial with the best value, the earliest of equals; None if none is completed."""
    sign = -1 if lower_is_better else 1
    completed = [record for record in records if record.state is State.COMPLETED and record.value is not None]
    return max(completed, key=lambda record: sign * (record.value or 0.0), default=None)


def completed_best(records: Sequence[Record], *, lower_is_better: bool) -> Record:
    """The same of a study that is done.

    Raises:
        TuneError: None is completed.
    """
    found = best(records, lower_is_better=lower_is_better)
    if found is not None:
        return found
    failed = [record for record in records if record.state is State.FAILED]
    first = f"; trial {failed[0].number}: {failed[0].reason}" if failed else "; give the study more time"
    raise TuneError(f"tune: none of {len(records)} trials was completed, {len(failed)} failed{first}")
