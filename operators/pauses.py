"""How long to wait between two looks at what AWS does."""

from collections.abc import Iterator


def pauses(longest_s: float) -> Iterator[float]:
    """Seconds between two looks, without end: few at first."""
    pause = longest_s / 16
    while True:
        yield pause
        pause = min(longest_s, pause * 2)
