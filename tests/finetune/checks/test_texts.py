from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from finetune.checks.texts import sampled, texts_of, too_short


@given(st.lists(st.text(min_size=1), unique=True, max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_a_sample_keeps_the_order_and_a_larger_one_adds_to_it(guids: list[str], one: int, more: int) -> None:
    small, large = sampled(guids, one), sampled(guids, one + more)
    assert len(small) == min(one, len(guids))
    assert [guid for guid in guids if guid in small] == small
    assert set(small) <= set(large)


def test_unreadable_texts_are_too_short_and_end_nothing(tmp_path: Path) -> None:
    contents = {
        "a": b'{"text": "some words"}',
        "b": b'{"text": " x  y "}',
        "c": b'{"text": ""}',
        "d": b"\xff",
        "e": b"{",
    }
    for guid, content in contents.items():
        (tmp_path / guid).mkdir()
        (tmp_path / guid / "text.json").write_bytes(content)
    texts = texts_of(tmp_path, list(contents), "text.json")
    assert texts == {"a": "some words", "b": " x  y ", "c": "", "d": None, "e": None}
    assert too_short(texts, 3) == ["b", "c", "d", "e"]
    assert too_short(texts, 2) == ["c", "d", "e"]
