"""Schedules in EventBridge: looks at one, gives it other times, deletes it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

MISSING = "missing"
# What update_schedule takes: it resets whatever it is not given.
KEPT = (
    "Name",
    "GroupName",
    "Description",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "EndDate",
    "FlexibleTimeWindow",
    "KmsKeyArn",
    "State",
    "Target",
    "ActionAfterCompletion",
)


def name_of(metadata: Mapping[str, Any]) -> dict[str, str] | None:
    """GroupName and Name of a ZenML schedule, from the link that ZenML keeps; None if it keeps none."""
    found = re.search(r"#schedules/([^/]+)/([^/]+)$", str(metadata.get("trigger_url", "")))
    return {"GroupName": found[1], "Name": found[2]} if found else None


def state(client: Any, name: Mapping[str, str]) -> str:
    """ENABLED, DISABLED, or missing."""
    try:
        return str(client.get_schedule(**name)["State"])
    except client.exceptions.ResourceNotFoundException:
        return MISSING


def set_cron(client: Any, name: Mapping[str, str], cron: str) -> None:
    """Gives a schedule another cron expression, and leaves all else as it is."""
    known = client.get_schedule(**name)
    kept = {key: known[key] for key in KEPT if known.get(key) is not None}
    if kept.get("StartDate", datetime.max.replace(tzinfo=UTC)) < datetime.now(UTC):
        kept.pop("StartDate")  # a start in the past is refused
    client.update_schedule(**kept | {"ScheduleExpression": f"cron({cron})"})


def remove(client: Any, name: Mapping[str, str]) -> None:
    """Deletes a schedule, if it is there."""
    try:
        client.delete_schedule(**name)
    except client.exceptions.ResourceNotFoundException:
        return
