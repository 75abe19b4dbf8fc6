"""Where things lie: a local path or an `s3://bucket/key`; joined and split here and nowhere else."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from finetune.errors import StorageError

SCHEME = "s3://"


@dataclass(frozen=True, order=True)
class S3Uri:
    """A place in S3, with the few habits of a Path that name places; it reads and writes nothing."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Takes `s3://bucket/key` apart; a slash at the end is left out.

        Raises:
            StorageError: It names no bucket.
        """
        bucket, _, key = text.removeprefix(SCHEME).partition("/")
        if not is_s3(text) or not bucket:
            raise StorageError(f"must be s3://<bucket>/<key>, but got {text!r}; write the bucket's name after s3://")
        return cls(bucket, key.rstrip("/"))

    def __truediv__(self, name: str) -> Self:
        return type(self)(self.bucket, f"{self.key}/{name}" if self.key else name)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}" if self.key else f"{SCHEME}{self.bucket}"

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def prefix(self) -> str:
        """What the keys below this place begin with; empty for a whole bucket."""
        return f"{self.key}/" if self.key else ""

    def holds(self, other: Self) -> bool:
        """Whether the other place is this one, or lies below it."""
        return self.bucket == other.bucket and f"{other.key}/".startswith(self.prefix)


Place = Path | S3Uri


def is_s3(place: object) -> bool:
    """Whether a place, as text or taken apart, lies in S3."""
    return isinstance(place, S3Uri) or (isinstance(place, str) and place.startswith(SCHEME))


def to_place(text: str) -> Place:
    """Gives the place that a text names; a local path is made absolute.

    Raises:
        StorageError: It is an S3 address without a bucket.
    """
    return S3Uri.parse(text) if is_s3(text) else Path(text).absolute()


def join(folder: str, *names: str) -> str:
    """The text of a place below a folder."""
    return "/".join((folder.rstrip("/"), *names))
