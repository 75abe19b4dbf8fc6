"""What failed for good of many files: listed in a file while the others are copied, and told at the end."""

import json
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from typing_extensions import Buffer

from finetune.errors import ReconcileError, StorageError
from finetune.storage.digest import Digest
from finetune.words import counted

SHOWN = 20
HOPELESS = 1_000
"""Failures without a single success after which a run ends at once: then it is no matter of single files."""


class ObjectError(StorageError):
    """One file or object failed for good, which says nothing of the others: absent, forbidden, changed."""

    def __init__(self, operation: str, source: object, destination: object, cause: str) -> None:
        self.operation, self.source, self.destination, self.cause = operation, source, destination, cause
        to = "" if destination is None else f" -> {destination}"
        super().__init__(f"{operation} {source}{to}: {cause}")

    def to_line(self) -> str:
        """One line of JSON with operation, source, destination and cause."""
        values = {"operation": self.operation, "source": str(self.source), "cause": self.cause}
        to = {} if self.destination is None else {"destination": str(self.destination)}
        return f"{json.dumps({**values, **to}, ensure_ascii=False)}\n"


class CorruptError(Exception):
    """A body arrived whole, but is not the expected one: by a bad line, or because what was expected is wrong."""


T = TypeVar("T", bound=Buffer)


def checked(content: T, digest: Digest) -> T:
    """The content, if it is the expected one; else CorruptError."""
    found = Digest.of_bytes(memoryview(content), digest.kind)
    if found != digest:
        raise other(found, digest)
    return content


def other(found: Digest, expected: Digest) -> CorruptError:
    """The error that says which hash was found in place of which."""
    return CorruptError(f"its {found.kind} is {found.value}, and {expected.value} was expected")


class Failures:
    """Failures of single files; safe to use from several threads, and of bounded memory."""

    def __init__(self) -> None:
        self.count, self._successes = 0, 0
        self._shown: list[str] = []
        self._lock = threading.Lock()
        self._folder = TemporaryDirectory(prefix="finetune-failed-")
        self.path = Path(self._folder.name, "failed.jsonl")
        """A line of JSON for each, with operation, source, destination and cause."""

    def add(self, error: ObjectError) -> None:
        """Notes a failure.

        Raises:
            ObjectError: The error itself, if 1,000 files failed and none came through.
        """
        with self._lock:
            self.count += 1
            if len(self._shown) < SHOWN:
                self._shown.append(f"  {error}")
            with self.path.open("a", encoding="utf-8") as file:
                file.write(error.to_line())
            if self.count >= HOPELESS and not self._successes:
                raise error

    def succeeded(self) -> None:
        """Notes that a file came through."""
        self._successes += 1  # no lock: whether it is zero is all that matters

    def error(self, place: str) -> ReconcileError:
        """The error that lists them; `place` is where the whole list lies now."""
        more = [f"  and {self.count - SHOWN:,} more"] if self.count > SHOWN else []
        return ReconcileError(
            f"{counted(self.count, 'file')} could not be copied, all others are at home; all are listed in {place}; "
            f"mend the causes and start again: what is done already stays\n" + "\n".join(self._shown + more)
        )
