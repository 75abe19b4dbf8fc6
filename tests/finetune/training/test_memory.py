"""Memory that training frees stays with the process, seen in a process of its own."""

import platform
import subprocess
import sys

import pytest

COUNTING = """
import resource, torch
from finetune.training.memory import keep_freed_memory
keep_freed_memory() if {keep} else None
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.set_num_threads(1)
for _ in range(5):
    torch.ones(12_000_000)
before = faults()
for _ in range(20):
    torch.ones(12_000_000)
print(faults() - before)
"""


def page_faults(*, keep: bool) -> int:
    done = subprocess.run(
        [sys.executable, "-c", COUNTING.format(keep=keep)], capture_output=True, text=True, check=True, timeout=120
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc can be told to keep memory")
def test_tensors_of_the_same_size_reuse_their_pages() -> None:
    assert page_faults(keep=True) < page_faults(keep=False) / 2
