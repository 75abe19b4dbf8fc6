from dataclasses import replace

import pytest

from finetune.checks.finding import Finding, numbers_of, refusal, warnings_of

FOUND = Finding("texts", "warn", 0.1, 0.05, "4 texts too short", "mend them", ["id1", "id2"])


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "warned"),
        ({"severity": "fail"}, "failed"),
        ({"number": 0.05}, "passed"),
        ({"number": None, "severity": "fail"}, "not checked"),
        ({"by_chance": True, "severity": "fail"}, "passed"),
    ],
)
def test_number_threshold_and_severity_decide_the_outcome(changes: dict[str, object], status: str) -> None:
    assert replace(FOUND, **changes).status == status
    assert replace(FOUND, **changes).to_dict()["status"] == status


def test_a_failure_names_all_findings_and_warnings_alone_stop_nothing() -> None:
    failed = replace(FOUND, check="drift", severity="fail", told="labels moved", advice="look")
    passed = replace(FOUND, check="leakage", number=0.0)
    told = refusal([FOUND, failed, passed]) or ""
    assert "1 data check failed" in told
    for part in ("warned: texts", "failed: drift", "id1, id2", "10.0%, at most 5.0%", "mend them", "look"):
        assert part in told
    assert "leakage" not in told
    assert refusal([FOUND, passed]) is None


def test_numbers_and_warnings_are_those_of_the_checks_that_were_made() -> None:
    findings = [FOUND, replace(FOUND, check="drift", number=None), replace(FOUND, check="leakage", number=0.0)]
    assert numbers_of(findings) == {"texts": 0.1, "leakage": 0.0}
    assert warnings_of([finding.to_dict() for finding in findings]) == ["texts"]
