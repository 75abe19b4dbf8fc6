"""Run numbers, claimed atomically, and the record of each run: `<home>/runs/<n>/run.json`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from finetune.config.difference import differing_keys
from finetune.errors import RunError
from finetune.experiment import Home
from finetune.storage.storage import Held

RECORD = "run.json"
LEFT_OUT = ("error", "code", "data", "margins", "models", "labels", "checks", "gate", "registered", "transformed")
"""Keys that a record without them does not have."""


class Status(StrEnum):
    """How far a run came."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    GATED = "gated"
    """The model was trained and judged, and is not good enough to be registered."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of an experiment, as run.json holds it."""

    experiment: str
    run_number: int
    status: Status
    stack: str
    started: str
    error: str = ""
    """Why it failed, as it was said then."""
    code: str = ""
    """Hash of the experiment's functions, and of what they reach, when it was begun or resumed."""
    data: str = ""
    """SHA-256 of the manifest: labels, and hashes of all files."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Time inside each step's work; 0 for a step that came from the cache."""
    metrics: dict[str, float] = field(default_factory=dict)
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    margins: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """By baseline and metric, the 95 % interval of the model's value less the baseline's."""
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of several models: metrics, or failure, of each; `metrics` is empty then. A run of one has no such key."""
    tuning: dict[str, Any] = field(default_factory=dict)
    """What a study came to: objective, value, best parameters, and how many trials ended how."""
    labels: dict[str, Any] = field(default_factory=dict)
    """Rows of each label in production as `counts`, and as `earlier` those of the last run that had others."""
    checks: list[dict[str, Any]] = field(default_factory=list)
    """What the data checks found."""
    gate: dict[str, Any] = field(default_factory=dict)
    """What the gate decided: passed, and rules with value, what was required, and reason."""
    registered: dict[str, str] = field(default_factory=dict)
    """The version's address in each registry."""
    transformed: dict[str, Any] = field(default_factory=dict)
    """What a transform answered of the test split: counts, metrics, and how far each is from evaluate's."""
    artifacts: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str]
    config: dict[str, Any]

    def write(self, home: Home) -> None:
        """Writes run.json; readers see the old or the new one, never a half.

        Raises:
            RunError: It cannot be written.
        """
        path = home.run(self.run_number) / RECORD
        facts = {name: value for name, value in asdict(self).items() if name not in LEFT_OUT or value}
        text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
        try:
            home.storage.write(str(path), text.encode())
        except OSError as error:
            raise RunError(f"{path} cannot be written: {error.strerror}; make room, or mend its permissions") from error

    def ended(self, status: Status, **facts: Any) -> "Run":
        """The same run with its outcome."""
        return replace(self, status=status, **facts)


def claim(home: Home, *, stack: str, config: Mapping[str, Any], versions: Mapping[str, str], code: str = "") -> Run:
    """Claims the next run number of an experiment; two processes never get the same.

    Raises:
        RunError: The home cannot be written.
    """
    try:
        number = _claim_number(home)
    except OSError as error:
        raise RunError(
            f"root: cannot write {home.runs}: {error.strerror}; set root: to a folder you may write"
        ) from error
    run = Run(
        experiment=home.experiment,
        run_number=number,
        status=Status.RUNNING,
        stack=stack,
        started=_now(),
        code=code,
        versions=dict(versions),
        config=dict(config),
    )
    run.write(home)
    return run


def _claim_number(home: Home) -> int:
    number = max(numbers(home), default=0) + 1
    while not home.storage.claim(str(home.run(number))):
        number += 1
    return number


def numbers(home: Home) -> list[int]:
    """The claimed run numbers, in order."""
    return sorted(int(name) for name in home.storage.folders(str(home.runs)) if name.isdecimal())


def resume(home: Home, number: int, *, stack: str, config: Mapping[str, Any], code: str = "") -> Run:
    """Takes up an unfinished run whose resolved config is equal.

    Raises:
        RunError: There is no such run, another process works on it, it is completed, or its config or stack
            differs (names the keys).
    """
    read(home, number)
    with held(home, number):  # so that what is read is not changed by the process that ends the run
        resumed = replace(_resumable(home, number, stack, config), status=Status.RUNNING, error="", code=code)
        resumed.write(home)
    return resumed


def _resumable(home: Home, number: int, stack: str, config: Mapping[str, Any]) -> Run:
    run = read(home, number)
    if run.status is Status.GATED:
        raise RunError(
            f"--run-number {number}: this run of {home.experiment} is gated: its model misses the rules of "
            f"register.gate; leave the option out to start a new run"
        )
    if run.status is Status.COMPLETED:
        raise RunError(
            f"--run-number {number}: this run of {home.experiment} is completed; leave it out to start a new run"
        )
    differing = differing_keys(run.config, dict(config))
    if differing:
        raise RunError(
            f"--run-number {number}: the config differs from that of the run in {', '.join(differing)}; "
            f"use the same values, or leave the option out to start a new run"
        )
    if run.stack != stack:
        raise RunError(f"--run-number {number}: the run was started on stack {run.stack}, but got --stack {stack}")
    return run


def read(home: Home, number: int) -> Run:
    """Reads the record of one run.

    Raises:
        RunError: There is no such run, or its record is unreadable.
    """
    path = home.run(number) / RECORD
    try:
        content = home.storage.read(str(path))
        if content is not None:
            values = json.loads(content)
            return Run(**{**values, "status": Status(values["status"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path} cannot be read: {error!r}; start a new run without --run-number") from error
    exists = home.storage.exists
    known = ", ".join(str(run) for run in numbers(home) if exists(str(home.run(run) / RECORD))) or "none"
    raise RunError(f"run {number} of {home.experiment} does not exist (runs: {known})")


@contextmanager
def held(home: Home, number: int) -> Iterator[Held]:
    """Holds a run while it works, so that a second process cannot resume it at the same time.

    Raises:
        RunError: Another process works on the run.
    """
    with home.storage.try_locked(str(home.run(number) / "run.lock")) as lock:
        if lock is None:
            raise RunError(f"run {number} of {home.experiment}: another process is working on it")
        yield lock


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
