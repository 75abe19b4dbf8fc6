import pytest

from finetune.words import counted, duration, one_line


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 files"), (1, "1 file"), (2, "2 files"), (2_321, "2,321 files"), (1_000_001, "1,000,001 files")],
)
def test_one_is_singular_and_all_else_is_plural(count: int, words: str) -> None:
    assert counted(count, "file") == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (1.25, "1.2 s"), (60, "1 min 00 s"), (512, "8 min 32 s"), (7322, "2 h 02 min")],
)
def test_a_duration_is_as_exact_as_a_reader_needs(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_what_another_library_says_becomes_one_short_line() -> None:
    assert one_line(OSError("no\n  such  file\n")) == "no such file"
    assert one_line(ValueError()) == "ValueError"
    assert one_line(ValueError("abcdef"), longest=3) == "abc..."
