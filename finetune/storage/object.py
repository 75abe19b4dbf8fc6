"""What S3 says of an object, and what this project keeps in its metadata."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

SHA256 = "sha256"
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
    sha256: str | None = None
    source: str | None = None
    """ETag of the object that it was copied from."""

    @property
    def version(self) -> str:
        """Changes whenever the content may have changed."""
        return f"{self.etag} {self.modified.isoformat()}"


def etag_of(version: str) -> str:
    """The ETag within a version."""
    return version.partition(" ")[0]


def described(answer: dict[str, Any]) -> Object:
    """The object that an answer to GetObject or HeadObject describes."""
    kept = answer.get("Metadata", {})
    return Object(
        path="",
        size=answer["ContentLength"],
        etag=answer["ETag"],
        modified=answer["LastModified"],
        asked=_time(answer),
        sha256=kept.get(SHA256),
        source=kept.get(SOURCE),
    )


def _time(answer: dict[str, Any]) -> datetime | None:
    said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return parsedate_to_datetime(said) if said else None
