"""The truth table of the plan, case by case."""

import pytest

from finetune.storage.plan import Decision, decide


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("size_at_home", [None, 4, 5])
@pytest.mark.parametrize("hash_at_home", ["same", "other"])
def test_every_case_of_the_table(size_at_home: int | None, hash_at_home: str, overwrite: bool) -> None:
    expected = {
        (None, False): Decision.COPY_ABSENT,
        (None, True): Decision.COPY_ABSENT,
        (4, False): Decision.COPY_SIZE,
        (4, True): Decision.COPY_SIZE,
        (5, True): Decision.COPY_OVERWRITE,
        (5, False): Decision.SKIP if hash_at_home == "same" else Decision.COPY_HASH,
    }[size_at_home, overwrite]
    assert decide(5, "same", size_at_home, lambda: hash_at_home, overwrite) is expected
    assert expected.copies is (expected is not Decision.SKIP)


@pytest.mark.parametrize(("size_at_home", "overwrite"), [(None, False), (4, False), (5, True)])
def test_the_file_at_home_is_hashed_only_when_that_decides(size_at_home: int | None, overwrite: bool) -> None:
    def never() -> str:
        raise AssertionError("hashed in vain")

    assert decide(5, "same", size_at_home, never, overwrite).copies
