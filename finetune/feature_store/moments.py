"""Event times as one kind of text: UTC to the millisecond, 2026-11-22T00:49:55.000Z, in the order of time. Pure."""

from datetime import UTC, date, datetime

LAST = "9999-12-31T23:59:59.999Z"
"""After all event times."""


def moment(value: object) -> str:
    """The text of a moment; one without a zone is UTC, a date is its first millisecond.

    Args:
        value: A datetime, a date, an ISO 8601 text, or seconds since 1970.

    Raises:
        ValueError: It is none of these.
    """
    if isinstance(value, bool) or value is None:
        raise ValueError(f"must be a time such as {LAST}, but got {value!r}")
    try:
        return _text(_datetime(value))
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"must be a time such as {LAST}, but got {value!r}") from error


def _datetime(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return datetime.fromisoformat(str(value).strip())


def _text(value: datetime) -> str:
    at = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z" if at.year > 999 else _refuse(at)


def _refuse(at: datetime) -> str:
    raise ValueError(f"the year {at.year} is too early")


def now() -> str:
    """This moment."""
    return _text(datetime.now(UTC))
