"""The cron expressions that EventBridge takes. Pure."""

import re

from finetune.errors import ConfigError

EXAMPLE = '"0 6 ? * MON-FRI *" (each working day at 6:00 UTC)'
FIELD = r"[A-Za-z0-9*?,/#\-]+"


def aws_cron(text: str) -> str:
    """The expression in EventBridge's form: minute, hour, day of month, month, day of week, year; in UTC.

    Raises:
        ConfigError: It is not in that form; five fields, as crontab has them, are not enough.
    """
    inner = re.fullmatch(r"cron\((.*)\)", text.strip())
    fields = (inner[1] if inner else text).split()
    if len(fields) != 6 or not all(re.fullmatch(FIELD, field) for field in fields):
        raise ConfigError(
            "--cron: must be the six fields of AWS (minute, hour, day of month, month, day of week, year), "
            f"such as {EXAMPLE}, but got {text!r}"
        )
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ConfigError(
            "--cron: one of day of month and day of week must be ?, and the other not, "
            f"as in {EXAMPLE}, but got {text!r}"
        )
    return " ".join(fields)
