"""The facts of a run: those it was composed with, and those that a run of a schedule claims when it begins. Pure."""

from collections.abc import Mapping
from typing import Any

CLAIMED = ("run_number", "started")
"""What nobody knows of a scheduled run before it begins; it stands in the metadata of its ZenML run."""


def facts_of(composed: Mapping[str, Any], logged: Mapping[str, Any]) -> dict[str, Any]:
    """Experiment, stack, resolved config, run number and start of a run.

    Args:
        composed: What its pipeline was composed with; number and start are missing where a schedule begins the run.
        logged: Metadata of its ZenML run; holds both once they are claimed.
    """
    return {**{name: logged[name] for name in CLAIMED if name in logged}, **composed}
