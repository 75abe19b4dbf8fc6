"""Where a range of keys is divided: between its ends, and never within an id."""

from hypothesis import given
from hypothesis import strategies as st

from finetune.storage.split import middle

TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x3FF), max_size=6)


@given(TEXT, TEXT | st.none())
def test_a_division_lies_between_and_holds_no_slash(after: str, upto: str | None) -> None:
    if upto is not None and not after < upto:
        return
    half = middle(after, upto)
    if half is not None:
        assert after < half
        assert upto is None or half < upto
        assert "/" not in half


@given(TEXT.filter(lambda text: "/" not in text), TEXT, TEXT.filter(lambda text: "/" not in text), TEXT)
def test_all_keys_of_an_id_lie_on_one_side(guid: str, name: str, after: str, other: str) -> None:
    half = middle(f"{after}/{name}", None)
    if half is not None:
        assert (f"{guid}/{name}" <= half) == (f"{guid}/{other}" <= half)


def test_ids_that_count_up_are_divided() -> None:
    half = middle("000999/t", "009999/t")
    assert half is not None and "001" < half < "009999/t"
    assert middle("5b9f/t", None) is not None
    assert middle("a/x", "a/y") is None
