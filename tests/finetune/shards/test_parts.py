from hypothesis import given
from hypothesis import strategies as st

from finetune.shards.parts import MB, Part, cut, in_order_of_work, weight
from finetune.shards.plan import File, Unit
from finetune.shards.room import needed

SIZES = st.lists(st.integers(0, 5 * MB), max_size=60)


def units(sizes: list[int], version: str = "1") -> list[Unit]:
    return [Unit(f"id{number:03}", "key", [File("a", size, version)]) for number, size in enumerate(sizes)]


def parts(sizes: list[int], **changes: str) -> list[Part]:
    return list(cut(units(sizes), 2, **{"code": "c", "config": "s", **changes}))


@given(SIZES)
def test_parts_are_the_ids_in_order_and_none_is_too_large_unless_one_id_is(sizes: list[int]) -> None:
    found = parts(sizes)
    assert [unit for part in found for unit in part.units] == units(sizes)
    assert all(part.weight <= 2 * MB or len(part.units) == 1 for part in found)
    assert all(
        sum(map(weight, [*one.units, two.units[0]])) > 2 * MB for one, two in zip(found, found[1:], strict=False)
    )


@given(SIZES)
def test_the_largest_part_is_handed_out_first(sizes: list[int]) -> None:
    weights = [part.weight for part in in_order_of_work(parts(sizes))]
    assert weights == sorted(weights, reverse=True)


def test_a_name_says_what_a_part_is_made_from() -> None:
    one = parts([10, 20])[0]
    assert one.name == parts([10, 20])[0].name
    others = [parts([10, 21])[0], parts([10, 20], code="d")[0], parts([10, 20], config="t")[0]]
    changed = next(cut(units([10, 20], version="2"), 2, code="c", config="s"))
    assert len({each.name for each in [one, *others, changed]}) == 5


def test_a_change_of_one_id_renames_its_part_alone() -> None:
    before, after = parts([MB] * 8), parts([MB] * 7 + [MB + 1])
    assert [part.name for part in before][:-1] == [part.name for part in after][:-1]
    assert before[-1].name != after[-1].name


def test_room_is_what_is_encoded_and_in_s3_the_largest_parts_at_hand() -> None:
    found = parts([MB, 2 * MB, 3 * MB])
    assert needed(found, files="/data", processes=2, share=0.5) == 3 * MB
    assert needed(found, files="s3://bucket/data", processes=2, share=0.5) == 8 * MB
