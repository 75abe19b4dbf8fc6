"""A content hash and its kind: SHA-256 where this project computes it, or what a database or S3 already knows."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from finetune.errors import StorageError
from finetune.storage.crc64 import Crc64

CHUNK = 1 << 20
SHA256 = "sha256"
MD5 = "md5"
DIGITS = {SHA256: 64, "sha1": 40, MD5: 32, "crc64nvme": 16}
"""Kinds of content hash, and how many hexadecimal digits each has; shorter checksums than these collide by chance."""
_MD5_ETAG = re.compile(r'"?([0-9a-f]{32})"?')


class Hasher(Protocol):
    """What takes content piece by piece and gives its hash."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Takes the next piece."""

    def hexdigest(self) -> str:
        """The hash of all pieces in lower-case hexadecimal digits."""


class Digest(NamedTuple):
    """The hash of a file's content; digests of two kinds say nothing of each other."""

    kind: str
    """A key of DIGITS."""
    value: str
    """Lower-case hexadecimal digits."""

    def __str__(self) -> str:
        """`<value>` of SHA-256, `<kind>:<value>` of another kind: the form in manifests, metadata and messages."""
        return self.value if self.kind == SHA256 else f"{self.kind}:{self.value}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Takes the text form apart; upper-case digits are taken as lower-case.

        Raises:
            StorageError: It is no digest of a known kind and length.
        """
        before, colon, after = text.strip().lower().rpartition(":")
        kind = before if colon else SHA256
        if len(after) != DIGITS.get(kind) or not re.fullmatch("[0-9a-f]+", after):
            kinds = ", ".join(f"{name}:<{digits} hexadecimal digits>" for name, digits in DIGITS.items())
            raise StorageError(f"must be a content hash, {kinds}, or the 64 digits of SHA-256 alone, but got {text!r}")
        return cls(kind, after)

    @classmethod
    def of_etag(cls, etag: str) -> Self | None:
        """The MD5 that an ETag is, if it has the form of one.

        That of an object uploaded in parts has not. That of an object encrypted with a key of KMS has the form too but
        is no hash of the content, which only who knows how the object is encrypted can tell.
        """
        found = _MD5_ETAG.fullmatch(etag)
        return None if found is None else cls(MD5, found[1])

    @classmethod
    def of_bytes(cls, content: bytes | memoryview, kind: str = SHA256) -> Self:
        """The digest of a content in memory."""
        hasher = new_hasher(kind)
        hasher.update(content)
        return cls(kind, hasher.hexdigest())

    @classmethod
    def of_file(cls, path: str | Path, kind: str = SHA256) -> Self:
        """The digest of a local file's content.

        Raises:
            OSError: It cannot be read.
        """
        hasher = new_hasher(kind)
        with open(path, "rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                hasher.update(chunk)
        return cls(kind, hasher.hexdigest())


def new_hasher(kind: str) -> Hasher:
    """Gives an empty hasher of a kind.

    Raises:
        StorageError: The kind is unknown.
    """
    make = _MAKERS.get(kind)
    if make is None:
        raise StorageError(f"a content hash must be {' or '.join(_MAKERS)}, but got {kind!r}")
    return make()


_MAKERS: dict[str, Callable[[], Hasher]] = {
    SHA256: hashlib.sha256,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    MD5: lambda: hashlib.md5(usedforsecurity=False),
    "crc64nvme": Crc64,
}
