import pytest

from rehearsal.jobs.outcome import failed_host, processing_outcome, training_outcome


@pytest.mark.parametrize(
    ("codes", "why", "status", "secondary"),
    [
        ([0, 0], None, "Completed", "Completed"),
        ([143, 137], "Stopped", "Stopped", "Stopped"),
        ([0], "MaxRuntimeExceeded", "Stopped", "MaxRuntimeExceeded"),
        ([137, 1], None, "Failed", "Failed"),
    ],
)
def test_the_end_of_a_training_job(codes: list[int], why: str | None, status: str, secondary: str) -> None:
    outcome = training_outcome(codes, why, "text", out_of_memory=False)
    assert (outcome.status, outcome.secondary) == (status, secondary)


@pytest.mark.parametrize(("codes", "host"), [([0, 0], None), ([137, 1], 1), ([137, 137], 0), ([2, 3], 0)])
def test_the_host_that_failed_by_itself_is_to_blame(codes: list[int], host: int | None) -> None:
    assert failed_host(codes) == host


def test_memory_is_named_for_both_kinds() -> None:
    assert "size of training data" in str(training_outcome([137], None, "", out_of_memory=True).reason)
    assert "size of job data" in str(processing_outcome([137], None, out_of_memory=True).reason)
