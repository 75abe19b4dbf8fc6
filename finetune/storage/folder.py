"""A folder with all its files to S3 and back: several files at a time, and a large one in several parts.

An object appears whole or not at all, and the folder's last files, by which a reader knows it, are put last: what an
interrupted upload leaves is not taken for a folder.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from finetune.storage.client import s3_client
from finetune.storage.disk import disk_errors
from finetune.storage.object import Object
from finetune.storage.objects import Objects
from finetune.storage.retry import retried
from finetune.storage.s3_errors import s3_errors
from finetune.storage.uri import S3Uri

if TYPE_CHECKING:
    from boto3.s3.transfer import TransferConfig  # type: ignore[import-untyped]

T = TypeVar("T")

FILES = 4
"""Files that move at the same time."""
PARTS = 4
"""Parts of one file that move at the same time."""
PART = 16 * 1024**2
"""Bytes of a part."""


def put_folder(source: Path, place: str, last: Sequence[str] = (), asked: Mapping[str, str] | None = None) -> None:
    """Uploads all files of a local folder, and of those in it.

    Args:
        source: The folder.
        place: Where it shall lie in S3.
        last: Names of files that are put when all others are there.
        asked: What each upload asks of S3 beside, such as encryption with a key, as boto3 names it.

    Raises:
        StorageError: S3 refuses a file, or a file cannot be read.
    """
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
    put = partial(_put, source, place, asked or {})
    _each(put, [name for name in names if name not in last], FILES)
    _each(put, [name for name in last if name in names], FILES)


def fetch_folder(place: str, target: Path) -> None:
    """Downloads all objects below a place into a local folder; it is whole when this returns.

    Raises:
        StorageError: S3 cannot be read, or an object changed while it was.
        ReconcileError: The folder cannot be written.
    """
    found = list(Objects().below(S3Uri.parse(place)))
    with disk_errors(f"copy {place} -> {target}", target):
        for each in found:
            (target / each.path).parent.mkdir(parents=True, exist_ok=True)
            with (target / each.path).open("wb") as file:
                file.truncate(each.size)
    pieces = [(each, start) for each in found for start in range(0, each.size, PART)]
    _each(lambda piece: _fetch(S3Uri.parse(place) / piece[0].path, target, *piece), pieces, FILES * PARTS)


def _each(work: Callable[[T], None], items: Sequence[T], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        waiting = [pool.submit(work, item) for item in items]
        try:
            for each in waiting:
                each.result()
        except BaseException:  # one that failed, or Ctrl-C: what has not begun need not
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _put(source: Path, place: str, asked: Mapping[str, str], name: str) -> None:
    uri = S3Uri.parse(place) / name
    with disk_errors(f"copy {source / name} -> {uri}", source), s3_errors("copy", source / name, uri):
        retried(lambda: _upload(source / name, uri, asked))


def _upload(source: Path, uri: S3Uri, asked: Mapping[str, str]) -> None:
    with source.open("rb") as file:
        s3_client().upload_fileobj(file, uri.bucket, uri.key, ExtraArgs=dict(asked), Config=_parts())


def _fetch(uri: S3Uri, target: Path, found: Object, start: int) -> None:
    """Copies one part of an object to its place in the file; a body that breaks off is read again."""
    end = min(start + PART, found.size) - 1
    wanted = {"Bucket": uri.bucket, "Key": uri.key, "IfMatch": found.etag, "Range": f"bytes={start}-{end}"}
    with s3_errors("copy", uri, target / found.path):
        content: bytes = retried(lambda: s3_client().get_object(**wanted)["Body"].read())
    with disk_errors(f"copy {uri} -> {target / found.path}", target), (target / found.path).open("r+b") as file:
        file.seek(start)
        file.write(content)


def _parts() -> "TransferConfig":
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=2 * PART, multipart_chunksize=PART, max_concurrency=PARTS)
