"""Objects of S3 through the process's client: each request is tried again while S3 ails, and fails in our words."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from finetune.errors import StorageError
from finetune.storage import bulk
from finetune.storage.client import s3_client
from finetune.storage.digest import CHUNK, Digest, new_hasher
from finetune.storage.failures import checked, other
from finetune.storage.object import Object, described, etag_of, metadata_of
from finetune.storage.retry import retried
from finetune.storage.s3_errors import ABSENT, CHANGED, CONFLICT, code_of, s3_errors
from finetune.storage.uri import S3Uri

T = TypeVar("T")


class Objects:
    """The calls to S3."""

    def below(self, folder: S3Uri) -> Iterator[Object]:
        """Yields all objects below a place, in order of their keys; asks for a page of a thousand at a time."""
        for page in self.pages(folder):
            yield from page

    def pages(self, folder: S3Uri, after: str = "", most: int = 1_000) -> Iterator[list[Object]]:
        """Yields the objects below a place, a page of a thousand at a time, from after a path relative to it."""
        start, begin = len(folder.prefix), {"MaxKeys": most, **({"StartAfter": folder.prefix + after} if after else {})}
        for page in self._pages(folder, **begin):
            yield [
                Object(each["Key"][start:], each["Size"], each["ETag"], each["LastModified"])
                for each in page.get("Contents", [])
            ]

    def folders(self, folder: S3Uri) -> list[str]:
        """Names of what stands between a place and the next slash."""
        pages = self._pages(folder, Delimiter="/")
        found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]
        return [prefix[len(folder.prefix) :].rstrip("/") for prefix in found]

    def bulk_pages(self, folder: S3Uri, after: str = "") -> Iterator[list[Object]]:
        """As `pages`, at a tenth of the processor time; where a key or the weather is bad, `pages` goes on."""
        try:
            if not bulk.is_clean(folder.key or "-") or not bulk.is_clean(after or "-"):
                raise bulk.UncleanError
            for page in bulk.pages(folder, after):
                yield page
                after = page[-1].path if page else after
        except (bulk.UncleanError, ClientError, BotoCoreError):
            yield from self.pages(folder, after)

    def _pages(self, folder: S3Uri, **more: Any) -> Iterator[dict[str, Any]]:
        asked: dict[str, Any] = {"Bucket": folder.bucket, "Prefix": folder.prefix, **more}
        while True:
            page = _ask("list", folder, lambda: s3_client().list_objects_v2(**asked))
            yield page
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def head(self, uri: S3Uri) -> Object | None:
        """Describes an object; None where there is none."""
        try:
            found = _raw("look at", uri, lambda: s3_client().head_object(Bucket=uri.bucket, Key=uri.key))
        except ClientError as error:
            if code_of(error) in ABSENT:
                return None
            raise _in_our_words("look at", uri, error) from error
        if "ContentLength" not in found:  # a proxy may drop the length of an answer that has no body
            page = next(self._pages(uri, Prefix=uri.key, MaxKeys=1))
            found["ContentLength"] = page["Contents"][0]["Size"]
        return described(found)

    def stream(
        self, uri: S3Uri, take: Callable[[bytes], Any], *, begin: Callable[[], None], etag: str | None = None
    ) -> Object:
        """Reads an object in pieces; a body that breaks off is read again from its beginning.

        Args:
            uri: The object.
            take: Gets each piece.
            begin: Called before the first piece of each attempt.
            etag: Version or ETag that the object must have.
        """
        try:
            return self._stream(uri, take, begin, {} if etag is None else {"IfMatch": etag_of(etag)})
        except ClientError as error:
            raise _in_our_words("read", uri, error) from error

    def _stream(
        self, uri: S3Uri, take: Callable[[bytes], Any], begin: Callable[[], None], condition: dict[str, str]
    ) -> Object:
        def read() -> Object:
            begin()
            size = 0
            answer = s3_client().get_object(Bucket=uri.bucket, Key=uri.key, **condition)
            with closing(answer["Body"]) as body:
                for chunk in body.iter_chunks(CHUNK):
                    take(chunk)
                    size += len(chunk)
            return described({**answer, "ContentLength": size})

        return _raw("read", uri, read)

    def read(self, uri: S3Uri) -> bytes | None:
        """A small object's content; None where there is none."""
        content = bytearray()
        try:
            self._stream(uri, content.extend, content.clear, {})
        except ClientError as error:
            if code_of(error) in ABSENT:
                return None
            raise _in_our_words("read", uri, error) from error
        return bytes(content)

    def write(self, uri: S3Uri, content: bytes, *, etag: str | None = None) -> bool:
        """Writes an object, over that with the ETag where one is given; says whether that was still there."""
        condition = {} if etag is None else {"IfMatch": etag}
        return self._write(uri, content, condition)

    def write_if_absent(self, uri: S3Uri, content: bytes) -> bool:
        """Writes an object where there is none, and says whether it did; the content must be the caller's alone."""
        # an answer may be lost after the object was written, and trying again then finds our own
        return self._write(uri, content, {"IfNoneMatch": "*"}) or self.read(uri) == content

    def _write(self, uri: S3Uri, content: bytes, condition: dict[str, str]) -> bool:
        def write() -> bool:
            s3_client().put_object(Bucket=uri.bucket, Key=uri.key, Body=content, **condition)
            return True

        try:
            return _raw("write", uri, write)
        except ClientError as error:
            if condition and code_of(error) in CHANGED | CONFLICT | ABSENT:
                return False
            raise _in_our_words("write", uri, error) from error

    def digest(self, uri: S3Uri, kind: str, etag: str | None = None) -> Digest:
        """The digest of an object's content, which is read."""
        hasher = new_hasher(kind)

        def begin() -> None:
            nonlocal hasher
            hasher = new_hasher(kind)

        self.stream(uri, lambda chunk: hasher.update(chunk), begin=begin, etag=etag)
        return Digest(kind, hasher.hexdigest())

    def get(self, uri: S3Uri, etag: str, digest: Digest) -> bytes:
        """A small object's content, checked; in one attempt.

        Raises:
            ClientError: S3 refuses it, for instance because it has another ETag now.
            BotoCoreError: The body breaks off.
            CorruptError: It has another content than expected.
        """
        condition = {"IfMatch": etag} if etag else {}
        with closing(s3_client().get_object(Bucket=uri.bucket, Key=uri.key, **condition)["Body"]) as body:
            return checked(bytes(body.read()), digest)

    def put(self, uri: S3Uri, content: bytes, metadata: dict[str, str]) -> None:
        """Writes an object from memory.

        Raises:
            ClientError: S3 refuses it.
        """
        retried(lambda: s3_client().put_object(Bucket=uri.bucket, Key=uri.key, Body=content, Metadata=metadata))

    def upload(self, source: Path, uri: S3Uri, digest: Digest) -> None:
        """Uploads a large local file in parts, of which S3 makes one object.

        Raises:
            ClientError: S3 refuses it.
            CorruptError: The file has another content than expected, now that it is read; then nothing stays.
        """
        retried(lambda: _upload(source, uri, metadata_of(digest)))
        found = Digest.of_file(source, digest.kind)
        if found != digest:
            self.delete(uri)
            raise other(found, digest)

    def delete(self, uri: S3Uri, *, etag: str | None = None) -> None:
        """Removes an object, if it is there; where an ETag is given, only that one."""
        condition = {} if etag is None else {"IfMatch": etag}
        try:
            _raw("delete", uri, lambda: s3_client().delete_object(Bucket=uri.bucket, Key=uri.key, **condition))
        except ClientError as error:
            if code_of(error) not in ABSENT and not (condition and code_of(error) in CHANGED):
                raise _in_our_words("delete", uri, error) from error


def _upload(source: Path, uri: S3Uri, metadata: dict[str, str]) -> None:
    with source.open("rb") as file:
        s3_client().upload_fileobj(file, uri.bucket, uri.key, ExtraArgs={"Metadata": metadata})


def _ask(operation: str, source: object, work: Callable[[], T], destination: object = None) -> T:
    with s3_errors(operation, source, destination):
        return retried(work)


def _raw(operation: str, uri: S3Uri, work: Callable[[], T]) -> T:
    """As _ask, but what S3 answers is raised as it is: the caller knows what an absent object means."""
    answered: ClientError | None = None
    with s3_errors(operation, uri):
        try:
            return retried(work)
        except ClientError as error:
            answered = error
    raise answered


def _in_our_words(operation: str, uri: S3Uri, error: ClientError) -> StorageError:
    try:
        with s3_errors(operation, uri):
            raise error
    except StorageError as worded:
        return worded
