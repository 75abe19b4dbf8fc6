"""Checks the names of the labels' columns."""

from collections.abc import Sequence

from finetune.errors import ReconcileError

NEEDED = ("guid", "label")


def check_columns(columns: Sequence[str], source: str, advice: str) -> None:
    """Refuses columns that lack guid or label, or have one twice.

    Args:
        columns: Names of the columns.
        source: Where they come from, with its config key.
        advice: What to do about an absent one.

    Raises:
        ReconcileError: Names the columns.
    """
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        raise ReconcileError(
            f"{source}: must have the columns guid and label, but {' and '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing (got {', '.join(columns)}); {advice}"
        )
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise ReconcileError(
            f"{source}: returns {' and '.join(repeated)} more than once; leave out or rename all but one"
        )
