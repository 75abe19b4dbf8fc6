"""What S3 says of an object, and what this project keeps in its metadata."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from finetune.storage.digest import DIGITS, SHA256, Digest

SOURCE = "source-etag"


@dataclass(frozen=True)
class Object:
    """An object as S3 describes it; `path` is relative to where it was looked for."""

    path: str
    size: int
    etag: str
    modified: datetime
    asked: datetime | None = None
    """The server's time of the answer."""
    kept: tuple[Digest, ...] = ()
    """Hashes of its content that its metadata keep, each under the name of its kind."""
    encrypted: bool = False
    """With a key of KMS or of the customer: then its ETag is no hash."""
    source: str | None = None
    """ETag of the object that it was copied from."""

    @property
    def sha256(self) -> str | None:
        """The kept SHA-256."""
        return next((digest.value for digest in self.kept if digest.kind == SHA256), None)

    @property
    def version(self) -> str:
        """Changes whenever the content may have changed."""
        return f"{self.etag} {self.modified.isoformat()}"


def etag_of(version: str) -> str:
    """The ETag within a version."""
    return version.partition(" ")[0]


def metadata_of(digest: Digest, version: str = "") -> dict[str, str]:
    """The metadata that keep a content's hash and the version of the source that it was copied from."""
    return {digest.kind: digest.value, **({SOURCE: etag_of(version)} if version else {})}


def described(answer: dict[str, Any]) -> Object:
    """The object that an answer to GetObject or HeadObject describes."""
    kept = answer.get("Metadata", {})
    return Object(
        path="",
        size=answer["ContentLength"],
        etag=answer["ETag"],
        modified=answer["LastModified"],
        asked=_time(answer),
        kept=tuple(Digest(kind, kept[kind]) for kind in DIGITS if kind in kept),
        encrypted="kms" in answer.get("ServerSideEncryption", "") or "SSECustomerAlgorithm" in answer,
        source=kept.get(SOURCE),
    )


def _time(answer: dict[str, Any]) -> datetime | None:
    said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(said) if said else None
