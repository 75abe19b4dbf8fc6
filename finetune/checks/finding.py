"""What a data check found: one row of the report's table. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from finetune.words import counted

Status = Literal["passed", "not checked", "warned", "failed"]

EXAMPLES = 10
"""Ids that a finding names at most."""


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    check: str
    """Its name, which begins with its key below `checks:`."""
    severity: Literal["warn", "fail"]
    number: float | None
    """The share that was found; None where the check was not made."""
    threshold: float
    """The largest share that passes."""
    told: str
    """What the number counts, or why there is none."""
    advice: str = ""
    """What to do about it."""
    examples: Sequence[str] = field(default=())
    """Ids, at most EXAMPLES."""
    by_chance: bool = False
    """The number is no larger than chance makes it, so it passes."""

    @property
    def status(self) -> Status:
        """What comes of it."""
        if self.number is None:
            return "not checked"
        if self.by_chance or self.number <= self.threshold:
            return "passed"
        return "failed" if self.severity == "fail" else "warned"

    def line(self) -> str:
        """The finding as one line for the terminal."""
        such = f", such as {', '.join(self.examples[:3])}" if self.examples else ""
        return f"{self.check}: {self.told}{such} ({share(self.number)}, at most {share(self.threshold)} passes)"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them, with the status."""
        return {**asdict(self), "examples": list(self.examples)[:EXAMPLES], "status": self.status}


def share(value: float | None) -> str:
    """A share in per cent, as exact as a reader needs: 0.1%, 9.8%, none."""
    return "none" if value is None else f"{value:.1%}"


def refusal(findings: Iterable[Finding]) -> str | None:
    """The error of a run that must not go on; None if it may. It names all findings, warnings too."""
    found = [finding for finding in findings if finding.status in ("warned", "failed")]
    failed = [finding for finding in found if finding.status == "failed"]
    if not failed:
        return None
    lines = [f"  {finding.status}: {finding.line()}; {finding.advice}" for finding in found]
    return "\n".join([f"{counted(len(failed), 'data check')} failed, so nothing is trained:", *lines])


def warnings_of(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of the checks that warned, of findings as plain values."""
    return [str(each["check"]) for each in checks if each["status"] == "warned"]


def numbers_of(findings: Iterable[Finding]) -> dict[str, Any]:
    """The number of each check that was made."""
    return {finding.check: round(finding.number, 6) for finding in findings if finding.number is not None}
