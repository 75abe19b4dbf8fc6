"""Locks in S3: an object made with If-None-Match that names its holder, and is renewed while it is held.

S3 does not notice that a holder died. A lock is taken over when it was not renewed for two minutes, by S3's own clock,
or at once when its holder is a process of this machine that is gone.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from finetune.errors import StorageError
from finetune.progress import say
from finetune.storage.object import Object
from finetune.storage.objects import Objects
from finetune.storage.uri import S3Uri

STALE_SECONDS = 120.0
RENEW_SECONDS = 20.0
LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class S3Lock:
    """A lock at a place in S3."""

    objects: Objects
    uri: S3Uri
    stale_seconds: float = STALE_SECONDS
    renew_seconds: float = RENEW_SECONDS
    look_seconds: float = LOOK_SECONDS

    @contextmanager
    def locked(self, what: str) -> Iterator["S3Locked"]:
        """Holds the lock, waiting for it and saying so while another process holds it."""
        said = False
        while (held := self._take()) is None:
            if not said:
                said = True
                say(
                    f"{what} is busy: {self._holder()} holds {self.uri}; waiting for it to finish (a holder that died "
                    f"is replaced {self.stale_seconds:.0f} s after its last sign of life)"
                )
            time.sleep(self.look_seconds)
        with held:
            yield held

    @contextmanager
    def try_locked(self) -> Iterator["S3Locked | None"]:
        """Holds the lock if it is free; gives None if another process holds it."""
        held = self._take()
        if held is None:
            yield None
            return
        with held:
            yield held

    def _take(self) -> "S3Locked | None":
        mine = _owner()
        if self.objects.write_if_absent(self.uri, mine):
            return S3Locked(self, mine)
        found, content = self.objects.head(self.uri), self.objects.read(self.uri)
        if found is None or content is None:
            return self._take()
        if not is_stale(found, self.stale_seconds) and not _is_gone(content):
            return None
        say(f"{self.uri} was left by {_words(content)}; taking it over")
        return S3Locked(self, mine) if self.objects.write(self.uri, mine, etag=found.etag) else None

    def _holder(self) -> str:
        content = self.objects.read(self.uri)
        return "another process" if content is None else _words(content)


class S3Locked:
    """A lock that is held: a thread renews it until the context ends."""

    def __init__(self, lock: S3Lock, content: bytes) -> None:
        self._lock, self._content = lock, content
        self._ended = threading.Event()
        self._lost: str | None = None
        self._renewed = _now()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def __enter__(self) -> "S3Locked":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._thread.join()
        found = self._lock.objects.head(self._lock.uri)
        if found is not None and self._lock.objects.read(self._lock.uri) == self._content:
            self._lock.objects.delete(self._lock.uri, etag=found.etag)

    def check(self) -> None:
        """As Held says. A machine that slept asks S3 whether the lock is still its own."""
        silent = _now() - self._renewed
        if self._lost is None and silent > self._lock.stale_seconds and not self._renewed_now():
            self._lost = self._lost or f"it could not be renewed for {silent:.0f} s"
        if self._lost is not None:
            raise StorageError(
                f"the lock {self._lock.uri} was lost ({self._lost}), so another process may be writing there; "
                f"start the run again: what is done already stays"
            )

    def _renew(self) -> None:
        while self._lost is None and not self._ended.wait(self._lock.renew_seconds):
            self._renewed_now()  # check() says so when it fails for too long

    def _renewed_now(self) -> bool:
        """Renews the lock, if S3 answers and it is still this one."""
        began = _now()
        try:
            found = self._lock.objects.head(self._lock.uri)
            if found is None or self._lock.objects.read(self._lock.uri) != self._content:
                self._lost = "another process took it over"
                return False
            if not self._lock.objects.write(self._lock.uri, self._content, etag=found.etag):
                return False
        except StorageError:
            return False
        self._renewed = began
        return True


def _now() -> float:
    """Seconds that also pass while the machine sleeps, where the system can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def is_stale(found: Object, stale_seconds: float) -> bool:
    """Whether a lock was not renewed for too long, by the clock of the server that dates both: pure."""
    now = found.asked or datetime.now(UTC)
    return (now - found.modified).total_seconds() > stale_seconds


def _owner() -> bytes:
    values = {
        "host": socket.gethostname(),
        "process": os.getpid(),
        "started": _start_of(os.getpid()),
        "machine": _machine(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "token": uuid.uuid4().hex,
    }
    return json.dumps(values).encode()


def _words(content: bytes) -> str:
    owner = _parsed(content)
    return f"process {owner.get('process', '?')} on {owner.get('host', '?')} since {owner.get('since', '?')}"


def _is_gone(content: bytes) -> bool:
    """Whether the holder was a process of this machine, and is no more."""
    owner, machine = _parsed(content), _machine()
    if machine is None or owner.get("machine") != machine:
        return False
    return _start_of(owner.get("process")) != owner.get("started")


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        values = json.loads(content)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _machine() -> str | None:
    """Names this start of this machine and its numbering of processes; None where Linux does not say."""
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def _start_of(process: object) -> str | None:
    """When a process began, because its number is given again; None if it is gone."""
    try:
        status = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if status[0] == "Z" else status[19]
