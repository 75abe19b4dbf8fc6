"""Work on many items in threads: a slice at a time, in order."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.reconcile.parallel import LONGEST_SLICE, WAITING, streamed


@given(st.integers(0, 500), st.integers(0, 700))
def test_results_come_in_the_order_of_the_items_whatever_count_was_told(items: int, count: int) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert list(streamed(pool, lambda item: item * 2, range(items), count)) == [2 * item for item in range(items)]


def test_after_an_error_nothing_more_is_begun() -> None:
    begun, lock = list[int](), threading.Lock()

    def work(item: int) -> int:
        with lock:
            begun.append(item)
        if item == 5:
            raise ValueError("item 5")
        return item

    with ThreadPoolExecutor(2) as pool, pytest.raises(ValueError, match="item 5"):
        list(streamed(pool, work, range(1_000_000), 1_000_000))
    assert len(begun) <= LONGEST_SLICE * (WAITING + 2)
