"""Copies one file into S3: by S3 itself where the source lies there too, or through this machine."""

from io import BufferedWriter
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.storage import bulk
from finetune.storage.digest import Digest
from finetune.storage.disk import disk_errors
from finetune.storage.failures import ObjectError, checked, other
from finetune.storage.object import etag_of, metadata_of
from finetune.storage.objects import Objects
from finetune.storage.plan import Copy
from finetune.storage.retry import retried
from finetune.storage.s3_errors import s3_errors
from finetune.storage.uri import S3Uri, is_s3
from finetune.storage.within_s3 import copies_lightly, copy_within

if TYPE_CHECKING:
    from obstore import Bytes

THROUGH = 1024**2
"""Objects of up to so many bytes go through this machine where S3 tells no hash of the copy: reading and writing 1 KB
costs obstore 0.4 ms of processor time and CopyObject costs boto3 1.3 ms, while of 8 MB CopyObject copies twice as many
a second (docs/storage.md)."""
ONE_REQUEST = 8 * 1024**2
"""Bytes that are uploaded from memory, in one request."""


def copy(objects: Objects, file: Copy) -> None:
    """Copies a file from either kind of place into S3; its content is checked, and kept as metadata.

    Raises:
        ObjectError: The source is gone, forbidden or another version, or its content is not the expected one.
        FinetuneError: It cannot be copied for a reason that is not this file's own.
    """
    with s3_errors("copy", file.source, file.destination):
        if not is_s3(file.source):
            _from_disk(objects, file)
        elif (lightly := copies_lightly(file)) or file.size > THROUGH:
            copy_within(objects, file, lightly=lightly)
        else:
            content = _read(objects, file)
            _put(objects, file.destination, content, metadata_of(file.digest, file.version))


def to_disk(objects: Objects, file: Copy, target: Path) -> None:
    """Copies an object to a local path, which a failure may leave half written; its content is checked.

    Raises:
        As `copy`.
    """
    source, etag = S3Uri.parse(file.source), etag_of(file.version)
    with s3_errors("copy", file.source, file.destination), disk_errors(f"copy {source} -> {target}", target.parent):
        if file.size <= THROUGH:
            target.write_bytes(_read(objects, file))
            return

        def fetch() -> None:
            with target.open("wb") as part:
                objects.stream(source, part.write, begin=lambda: _empty(part), etag=etag or None)
            found = Digest.of_file(target, file.digest.kind)
            if found != file.digest:
                raise other(found, file.digest)

        retried(fetch)


def _empty(part: BufferedWriter) -> None:
    part.seek(0)
    part.truncate()


def _read(objects: Objects, file: Copy) -> "Bytes | bytes":
    """The content of a small object of the version that was listed."""
    uri, etag = S3Uri.parse(file.source), etag_of(file.version)
    return retried(lambda: (bulk.get if bulk.serves(uri) else objects.get)(uri, etag, file.digest))


def _from_disk(objects: Objects, file: Copy) -> None:
    source, destination = Path(file.source), S3Uri.parse(file.destination)
    with disk_errors(f"copy {source} -> {destination}", source):
        try:
            if source.stat().st_size > ONE_REQUEST:
                objects.upload(source, destination, file.digest)
                return
            content = source.read_bytes()
        except (FileNotFoundError, PermissionError) as error:
            raise ObjectError("copy", source, destination, f"{error.strerror}") from error
    _put(objects, file.destination, checked(content, file.digest), metadata_of(file.digest))


def _put(objects: Objects, place: str, content: "Bytes | bytes", metadata: dict[str, str]) -> None:
    uri = S3Uri.parse(place)
    if bulk.is_clean(uri.key):
        retried(lambda: bulk.put(uri, content, metadata))
    else:
        objects.put(uri, bytes(content), metadata)
