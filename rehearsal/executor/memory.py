"""The memory limit of a rehearsed instance: counts a namespace's processes, and kills as the kernel would."""

import os
import signal

_PAGE = os.sysconf("SC_PAGE_SIZE")
KILLED = "Out of memory: killed process"


def resident() -> dict[int, int]:
    """Resident memory in bytes of each process of this namespace but the first."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit() or name == "1":
            continue
        try:
            with open(f"/proc/{name}/statm") as file:
                found[int(name)] = int(file.read().split()[1]) * _PAGE
        except (OSError, IndexError):
            continue  # It ended in between.
    return found


def megabytes_in_use() -> int:
    """What all processes of this namespace hold. Pages that they share count once for each."""
    return sum(resident().values()) >> 20


def kernel_kills() -> int:
    """How many processes the kernel has killed for memory since this machine started."""
    with open("/proc/vmstat") as file:
        counts = dict(line.split() for line in file)
    return int(counts.get("oom_kill", 0))


def kill_largest(limit_mb: int) -> None:
    """Kills the largest process, and says so in the job's log as the kernel says it in its own."""
    processes = resident()
    if processes:
        largest = max(processes, key=lambda pid: processes[pid])
        print(f"{KILLED} {largest}, {processes[largest] >> 20} MB of {limit_mb} MB", flush=True)
        os.kill(largest, signal.SIGKILL)
