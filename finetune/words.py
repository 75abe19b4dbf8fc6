"""Numbers as people write them: "1 file", "2,321 files", "8 min 32 s"."""


def counted(count: int, noun: str) -> str:
    """The count with the noun, which takes an s unless there is one of it."""
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


def duration(seconds: float) -> str:
    """Seconds, minutes and seconds, or hours and minutes: as exact as a reader needs."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def moment(iso: str) -> str:
    """A time of ISO 8601 to the second, as a table shows it; its zone is UTC everywhere here."""
    return iso[:19].replace("T", " ")


def one_line(error: BaseException, longest: int = 300) -> str:
    """What an error of another library says, as one line that is not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= longest else f"{text[:longest]}..."
