import gc
import subprocess
import sys
import weakref

from finetune.collector import set_aside

PROCESS = """
import atexit, gc
atexit.register(lambda: print(gc.get_freeze_count() > 0))  # runs after what is registered later
from finetune.collector import collect_rarely
collect_rarely()
print(gc.get_threshold()[0])
"""


def test_a_process_collects_rarely_and_not_at_its_end() -> None:
    printed = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["100000", "True"]


def test_what_is_set_aside_is_not_walked_through_and_is_collected_afterwards() -> None:
    class Knot:
        def __init__(self) -> None:
            self.itself = self

    def tie() -> weakref.ref[Knot]:
        return weakref.ref(Knot())

    before = tie()
    with set_aside():
        within = tie()
        gc.collect()
        assert before() is not None and within() is None
    gc.collect()
    assert before() is None
