"""Checks a record as the service does, and reads its values. Pure."""

from typing import Any

from finetune.feature_store.moments import moment
from rehearsal.errors import ServiceError
from rehearsal.feature_store.group import FeatureGroup, Values

TYPED: dict[str, Any] = {"Integral": int, "Fractional": float}


def values_of(group: FeatureGroup, record: list[dict[str, Any]]) -> Values:
    """The record's values by feature.

    Raises:
        ServiceError: A feature is unknown, comes twice or has another type, or identifier or event time are missing.
    """
    values: Values = {}
    for each in record:
        name, value = each["FeatureName"], each.get("ValueAsString")
        if name not in group.types:
            raise _refused(f"feature {name} is not part of the feature group {group.name}'s definitions")
        if name in values:
            raise _refused(f"feature {name} comes twice")
        if value is None:
            raise _refused(f"feature {name} has no ValueAsString")
        _check(name, group.types[name], value)
        values[name] = value
    for name in (group.identifier, group.event_time):
        if not values.get(name):
            raise _refused(f"the record has no value for {name}")
    check_time(group, values[group.event_time])
    return values


def check_time(group: FeatureGroup, value: str) -> None:
    """Refuses an event time of another form.

    Raises:
        ServiceError: It is no ISO 8601 text.
    """
    try:
        moment(value)
    except ValueError:
        raise _refused(f"the value {value} of the event time feature {group.event_time} is no ISO 8601 date") from None


def _check(name: str, kind: str, value: str) -> None:
    try:
        TYPED.get(kind, str)(value)
    except ValueError:
        raise _refused(f"the value {value} of feature {name} is not of type {kind}") from None


def _refused(text: str) -> ServiceError:
    return ServiceError("ValidationException", f"Validation Error: {text}")
