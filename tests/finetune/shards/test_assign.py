import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.errors import PrepareError
from finetune.shards.assign import assign, bucket, first_folder, refuse_larger

SIZES = st.dictionaries(st.text(max_size=4), st.integers(0, 10**12), min_size=1, max_size=40)


@given(SIZES, st.integers(1, 8))
def test_every_key_has_one_group_and_no_group_is_empty(sizes: dict[str, int], groups: int) -> None:
    if len(sizes) < groups:
        with pytest.raises(PrepareError, match="must be at most the number of keys"):
            assign(sizes, groups)
        return
    assigned = assign(sizes, groups)
    assert assigned.keys() == sizes.keys()
    assert set(assigned.values()) == set(range(groups))


@given(SIZES, st.integers(1, 8), st.randoms())
def test_the_order_of_the_keys_does_not_count(sizes: dict[str, int], groups: int, random: object) -> None:
    if len(sizes) >= groups:
        shuffled = list(sizes.items())
        random.shuffle(shuffled)
        assert assign(dict(shuffled), groups) == assign(sizes, groups)


@given(SIZES, st.integers(1, 8))
def test_no_group_has_more_than_four_thirds_of_what_the_best_division_could_have(
    sizes: dict[str, int], groups: int
) -> None:
    if len(sizes) >= groups:
        loads = [0] * groups
        for key, group in assign(sizes, groups).items():
            loads[group] += sizes[key]
        ordered = sorted(sizes.values(), reverse=True)
        pair = ordered[groups - 1] + ordered[groups] if len(ordered) > groups else 0
        at_least = max(-(-sum(ordered) // groups), ordered[0], pair)  # no division has less
        assert 3 * groups * max(loads) <= (4 * groups - 1) * at_least + 3 * groups


def test_the_largest_go_first_each_to_the_group_that_has_least() -> None:
    assert assign({"a": 5, "b": 4, "c": 3, "d": 3}, 2) == {"a": 0, "b": 1, "c": 1, "d": 0}


@given(st.text(), st.integers(1, 100))
def test_a_bucket_depends_on_the_id_alone(guid: str, groups: int) -> None:
    assert bucket(guid, groups) == bucket(guid, groups)
    assert 0 <= int(bucket(guid, groups)) < groups


def test_a_key_by_place_is_the_first_folder() -> None:
    assert first_folder("p30/p300001/3000001") == "p30"
    assert first_folder("id07") == "id07"


def test_a_group_that_is_larger_than_the_disk_is_refused_and_named() -> None:
    refuse_larger({0: 10, 1: 20}, 20, "the disk of /data")
    refuse_larger({}, 0, "the disk of /data")
    with pytest.raises(PrepareError, match=r"1 group of 2 would not .*; group 1 needs 20 bytes, but the disk of /data"):
        refuse_larger({0: 10, 1: 20}, 19, "the disk of /data")
