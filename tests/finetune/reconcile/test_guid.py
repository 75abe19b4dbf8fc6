"""An artifact id that is accepted names one visible folder, everywhere."""

import os
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.reconcile.guid import check_guid, printable

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=12)


@pytest.mark.parametrize("guid", ["a", "-a", "mit_1.RULE", "a b", "a..b", "été", "日本語", "x" * 255, "é" * 127])
def test_a_plain_name_breaks_no_rule(guid: str) -> None:
    assert check_guid(guid) is None


@pytest.mark.parametrize(
    ("guid", "part"),
    [
        ("", "empty"),
        (".", "begin with a dot"),
        ("..", "begin with a dot"),
        (".hidden", "begin with a dot"),
        ("/etc", "slash"),
        ("a/b", "slash"),
        ("a\\b", "backslash"),
        ("C:", "drive letter"),
        ("c:a", "drive letter"),
        ("a\x00b", "control characters"),
        ("a\nb", "control characters"),
        ("a\x7f", "control characters"),
        ("a\x85", "control characters"),
        ("a\udcff", "UTF-8"),
        ("x" * 256, "255 bytes in UTF-8, but has 256"),
        ("é" * 128, "255 bytes in UTF-8, but has 256"),
    ],
)
def test_a_guid_that_breaks_a_rule_is_told_which(guid: str, part: str) -> None:
    rule = check_guid(guid)
    assert rule is not None
    assert part in rule


@given(ANY_TEXT)
def test_an_accepted_guid_stays_in_its_folder(guid: str) -> None:
    if check_guid(guid) is None:
        assert PurePosixPath("home", guid).parts == ("home", guid)
        assert PureWindowsPath("home", guid).parts == ("home", guid)
        assert os.fsdecode(os.fsencode(guid)) == guid


@given(ANY_TEXT)
def test_a_printable_guid_is_one_line_of_utf_8(guid: str) -> None:
    text = printable(guid)
    assert len(text.encode().splitlines()) <= 1
    assert not any(ord(character) < 32 for character in text)


@given(ANY_TEXT)
def test_an_accepted_guid_is_printed_as_it_is(guid: str) -> None:
    if check_guid(guid) is None:
        assert printable(guid) == guid


def test_a_name_that_is_not_utf_8_is_printed_with_escapes() -> None:
    assert printable(os.fsdecode(b"caf\xe9\n")) == r"caf\udce9\n"
