"""Where a range of keys is divided in two: pure."""

FIRST, LAST = ord("/"), 0x7F
"""Divisions fall between these, among printable ASCII; keys beyond them stay whole in the last range."""


def middle(after: str, upto: str | None) -> str | None:
    """Gives a text that divides the keys after one text and up to another, which may be without end.

    It holds no slash. Keys of one id go on with a slash after it, so they all lie on the same side. It ends in a
    tilde, so that hardly an id is called so: SeaweedFS leaves out an id that it is told to start after.

    Returns:
        A text greater than `after` and less than `upto`; None where none is found.
    """
    common = ""
    for at, char in enumerate([*after, ""]):
        low, high = _code(char), LAST if upto is None else _code(upto[at : at + 1])
        half = (low + high) // 2
        if low < half < high:
            return f"{common}{chr(half)}~"
        if char in ("", "/"):
            return None
        if upto is not None and upto[at : at + 1] != char:
            upto = None  # whatever begins as `after` does is less
        common += char
    return None


def disputed(half: str) -> list[str]:
    """The ids, if there are such, on whose side of a division servers differ.

    S3 orders keys, so `a-b/x` comes before `a/x`; SeaweedFS orders names of folders, so `a` comes before `a-b`.
    """
    return [half[:at] for at, char in enumerate(half) if at and char < "/"]


def _code(char: str) -> int:
    return min(max(ord(char), FIRST), LAST) if char else FIRST
