"""How the C library treats memory that training on a CPU frees and asks for again at every step."""

import ctypes
import sys

# The names and numbers of glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 2**30


def keep_freed_memory() -> bool:
    """Lets glibc keep up to 1 GiB of freed memory for the next step instead of giving it back; says whether it does.

    Activations are freed and allocated again at each step. glibc's defaults hand blocks of some megabytes back to the
    system, which then clears each page anew: up to a tenth of the time. Elsewhere (macOS, musl) nothing changes.
    See mallopt(3), M_TRIM_THRESHOLD and M_MMAP_THRESHOLD.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, KEPT_BYTES) == 1 for name in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD))
