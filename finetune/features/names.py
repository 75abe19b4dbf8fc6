"""One name for each spelling of a value. Pure."""

from collections.abc import Mapping


def normalised(value: str | None, aliases: Mapping[str, str]) -> str | None:
    """The name that stands for a value: its alias, else the value in capitals; white space and case do not count.

    Args:
        value: As a file has it.
        aliases: Names by other spelling, in small letters.
    """
    if value is None:
        return None
    plain = " ".join(value.split())
    return aliases.get(plain.casefold(), plain.upper())
