"""Remembers the ids whose process_func has finished, so that a killed run does not call it again for them.

A line is appended after process_func returned: done is written last. What counts as done is a digest of everything
that process_func saw, so a changed label, file or function is processed again.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Journal:
    """An append-only file of `guid <tab> digest` lines; safe to use from several threads."""

    def __init__(self, path: Path, process_hash: str) -> None:
        """Opens the journal; `process_hash` stands for the code of process_func."""
        self._path, self._process_hash = path, process_hash
        self._done = _read(path)
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def digest(self, row: Mapping[str, Any], hashes: Mapping[str, str]) -> str:
        """The digest of what process_func sees of one id: its row, its files' hashes, and the code."""
        seen = json.dumps([self._process_hash, dict(row), dict(hashes)], sort_keys=True, default=str)
        return hashlib.sha256(seen.encode()).hexdigest()

    def has(self, guid: str, digest: str) -> bool:
        """Whether process_func has finished for exactly this."""
        return self._done.get(guid) == digest

    def add(self, guid: str, digest: str) -> None:
        """Writes down that process_func has finished for this id."""
        with self._lock:
            self._file.write(f"{guid}\t{digest}\n")
            self._file.flush()


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]  # a kill may have torn what follows the last newline
    if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return dict(line.split("\t", 1) for line in lines if "\t" in line)
