from hypothesis import given
from hypothesis import strategies as st

from finetune.checks.leakage import leaked, spelling

ROWS = st.lists(
    st.tuples(st.sampled_from(["train", "validation", "test"]), st.sampled_from(["a", "b", "c", "d", None])),
    max_size=30,
)


@given(ROWS)
def test_an_id_leaks_if_one_of_its_group_is_in_train(rows: list[tuple[str, str | None]]) -> None:
    guids = [f"id{number}" for number in range(len(rows))]
    found = leaked(guids, [split for split, _ in rows], [group for _, group in rows])
    expected = [
        guid
        for guid, (split, group) in zip(guids, rows, strict=True)
        if split != "train" and group is not None and ("train", group) in rows
    ]
    assert found == expected


def test_spelling_tells_no_difference_of_case_spaces_or_form() -> None:
    assert spelling("Mit_10 ") == spelling("MIT_10") == spelling("ｍｉｔ_10")
    assert spelling("mit_1") != spelling("mit_10")
