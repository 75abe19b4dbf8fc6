"""Copies within S3, which moves the bytes itself and tells the hash of what it wrote."""

from base64 import b64decode
from typing import Any

from finetune.storage import light_copy
from finetune.storage.client import s3_client
from finetune.storage.digest import MD5, Digest
from finetune.storage.failures import other
from finetune.storage.object import etag_of, metadata_of
from finetune.storage.objects import Objects
from finetune.storage.plan import Copy
from finetune.storage.retry import retried
from finetune.storage.uri import S3Uri

LARGEST_COPY = 5 * 1024**3
"""What CopyObject takes in one request, in bytes (S3's documentation); larger objects are copied in parts."""
PART = 256 * 1024**2
"""Bytes of a part that S3 copies in one request; boto3 makes them larger where S3's 10,000 parts would not do."""


def copies_lightly(file: Copy) -> bool:
    """Whether `copy_within` costs little for a small object, too: its hash is one that S3 tells of each copy."""
    return file.digest.kind == MD5 and light_copy.serves()


def copy_within(objects: Objects, file: Copy, *, lightly: bool, largest: int = LARGEST_COPY) -> None:
    """Copies an object, if it still is this version; its content comes here only if S3 tells no hash of the copy.

    Args:
        objects: S3's objects.
        file: What is copied, and where to.
        lightly: What `copies_lightly` says of it.
        largest: Bytes that one request copies.

    Raises:
        ClientError: S3 refuses it, for instance because the source changed.
        CorruptError: It has another content than expected; then nothing stays.
    """
    source, destination = S3Uri.parse(file.source), S3Uri.parse(file.destination)

    def copied() -> None:
        found = _copy(source, destination, file, lightly, largest) or objects.digest(
            source, file.digest.kind, etag_of(file.version) or None
        )
        if found != file.digest:
            objects.delete(destination)
            raise other(found, file.digest)

    retried(copied)


def _copy(source: S3Uri, destination: S3Uri, file: Copy, lightly: bool, largest: int) -> Digest | None:
    """Gives the digest that S3 tells of the copy."""
    metadata, etag = metadata_of(file.digest, file.version), etag_of(file.version)
    if lightly and file.size <= largest:
        return _told(light_copy.copy_object(source, destination, metadata, etag), MD5)
    place, there = {"Bucket": source.bucket, "Key": source.key}, (destination.bucket, destination.key)
    extra: dict[str, Any] = {"Metadata": metadata, "MetadataDirective": "REPLACE"}
    if etag:
        extra["CopySourceIfMatch"] = etag
    if file.size > largest:
        s3_client().copy(place, *there, ExtraArgs=extra, Config=_in_parts(largest))
        return None
    if file.digest.kind != MD5:
        extra["ChecksumAlgorithm"] = file.digest.kind.upper()
    answer = s3_client().copy_object(CopySource=place, Bucket=there[0], Key=there[1], **extra)
    return _told(answer, file.digest.kind)


def _in_parts(largest: int) -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=largest, multipart_chunksize=min(PART, largest))


def _told(answer: dict[str, Any], kind: str) -> Digest | None:
    """The digest of that kind in S3's answer to CopyObject: pure."""
    result = answer["CopyObjectResult"]
    if kind == MD5:
        return None if "kms" in answer.get("ServerSideEncryption", "") else Digest.of_etag(result["ETag"])
    told = result.get(f"Checksum{kind.upper()}")
    return None if told is None else Digest(kind, b64decode(told).hex())
