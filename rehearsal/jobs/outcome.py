"""What becomes of a job, from its exit codes and from why it was ended. Pure.

The sentences are those that AWS is known to give: code reads them, and people search for them.
"""

from dataclasses import dataclass

STOPPED, OUT_OF_TIME, OUT_OF_WAIT = "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded"
INTERRUPTED = "Interrupted"
MORE_MEMORY = "Please use an instance type with more memory, or reduce the size of {} data processed on an instance."


@dataclass(frozen=True)
class Outcome:
    """Final status and secondary status, and the reason of a failure."""

    status: str
    secondary: str
    reason: str | None = None


def training_outcome(codes: list[int], why: str | None, failure: str, out_of_memory: bool) -> Outcome:
    """Of a training job.

    Args:
        codes: Exit codes of the hosts.
        why: Why the platform ended it; None if it ended by itself.
        failure: Text of /opt/ml/output/failure of the first host that failed.
        out_of_memory: Whether a process was killed because the memory ran out.
    """
    if why is not None:
        return Outcome("Stopped", why)
    code = _first_failure(codes)
    if code == 0:
        return Outcome("Completed", "Completed")
    if out_of_memory:
        return Outcome("Failed", "Failed", f"ClientError: {MORE_MEMORY.format('training')}, exit code: {code}")
    return Outcome("Failed", "Failed", f"AlgorithmError: {failure[:990]}, exit code: {code}")


def processing_outcome(codes: list[int], why: str | None, out_of_memory: bool) -> Outcome:
    """Of a processing job, which has no secondary status: the second member repeats the first."""
    if why is not None:
        return Outcome("Stopped", "Stopped")
    if _first_failure(codes) == 0:
        return Outcome("Completed", "Completed")
    if out_of_memory:
        return Outcome("Failed", "Failed", f"ClientError: {MORE_MEMORY.format('job')}")
    return Outcome("Failed", "Failed", "AlgorithmError: See job logs for more information")


def failed_host(codes: list[int]) -> int | None:
    """The host to blame. One that was killed with the others, after another's failure, is not."""
    failed = [host for host, code in enumerate(codes) if code != 0]
    own = [host for host in failed if codes[host] != 128 + 9]
    return next(iter(own or failed), None)


def _first_failure(codes: list[int]) -> int:
    host = failed_host(codes)
    return 0 if host is None else codes[host]
