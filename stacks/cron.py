"""The cron expressions that EventBridge takes. Pure.

Fields and wildcards: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

import re
from dataclasses import dataclass

from finetune.errors import ConfigError

EXAMPLE = '"0 6 ? * MON-FRI *" (each working day at 6:00 UTC)'
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
NUMBER = re.compile("[0-9]{1,4}")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True)
class Field:
    """One field: its numbers, the names that stand for them, and what else it may hold, as a pattern."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    special: str = r"(?!)"

    def takes(self, text: str) -> bool:
        """Whether the text is a list of values, ranges and steps of this field."""
        return all(self._takes_item(item) for item in text.split(","))

    @property
    def words(self) -> str:
        """What it takes, in words."""
        return f"{self.low}-{self.high}{f' or {self.names[0]}-{self.names[-1]}' if self.names else ''}"

    def _takes_item(self, item: str) -> bool:
        if re.fullmatch(self.special, item):
            return True
        span, slash, step = item.partition("/")
        if slash and not (NUMBER.fullmatch(step) and 1 <= int(step) <= self.high):
            return False
        values = span.split("-")
        return span == "*" or (len(values) <= 2 and all(map(self._is_value, values)))

    def _is_value(self, text: str) -> bool:
        return text in self.names or bool(NUMBER.fullmatch(text) and self.low <= int(text) <= self.high)


DAY_OF_MONTH, DAY_OF_WEEK = 2, 4
FIELDS = (
    Field("minutes", 0, 59),
    Field("hours", 0, 23),
    Field("day of month", 1, 31, special=r"\?|LW?|([1-9]|[12][0-9]|3[01])W"),
    Field("month", 1, 12, MONTHS),
    Field("day of week", 1, 7, DAYS, special=rf"\?|L|([1-7]|{'|'.join(DAYS)})(L|#[1-5])"),
    Field("year", 1970, 2199),
)


def aws_cron(text: str) -> str:
    """The expression in EventBridge's form: minutes, hours, day of month, month, day of week, year; in UTC.

    Raises:
        ConfigError: It is not in that form; five fields, as crontab has them, are not enough.
    """
    inner = re.fullmatch(r"cron\((.*)\)", text.strip())
    fields = (inner[1] if inner else text).split()
    if len(fields) != len(FIELDS):
        raise ConfigError(
            f"--cron: must be the six fields of AWS ({', '.join(field.name for field in FIELDS)}), "
            f"such as {EXAMPLE}, but got {text!r}"
        )
    for field, value in zip(FIELDS, fields, strict=True):
        if not field.takes(value):
            raise ConfigError(f"--cron: {field.name} must be {field.words}, as in {EXAMPLE}, but got {value!r}")
    if (fields[DAY_OF_MONTH] == "?") == (fields[DAY_OF_WEEK] == "?"):
        raise ConfigError(
            "--cron: one of day of month and day of week must be ?, and the other not, "
            f"as in {EXAMPLE}, but got {text!r}"
        )
    return " ".join(fields)
