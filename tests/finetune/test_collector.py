import subprocess
import sys

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
