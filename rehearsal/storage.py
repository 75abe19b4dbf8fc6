"""What the platform does with S3 on a job's behalf: inputs into folders, folders and tarballs back."""

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.errors import ClientFault
from rehearsal.uri import file_name, split

MISSING = ("NoSuchKey", "NoSuchBucket", "404")


class Storage:
    """S3 through one client, with errors as a job's FailureReason words them."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def keys(self, uri: str) -> list[str]:
        """The keys below a prefix, in order.

        Raises:
            ClientFault: The bucket is missing or not ours.
        """
        bucket, prefix = split(uri)
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [found["Key"] for page in pages for found in page.get("Contents", [])]
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return []
            raise ClientFault(f"Data download failed:Unable to list {uri} ({_words(error)})") from error

    def download(self, uri: str, folder: Path, *, part: int = 0, parts: int = 1) -> int:
        """Downloads what lies below a prefix, or every `parts`-th object of it; gives the number of objects.

        Raises:
            ClientFault: An object cannot be read.
        """
        bucket, prefix = split(uri)
        keys = self.keys(uri)[part::parts]
        for key in keys:
            name = file_name(key, prefix)
            if name:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                self._get(bucket, key, folder / name)
        return len(keys)

    def download_listed(self, uri: str, folder: Path, *, part: int = 0, parts: int = 1) -> int:
        """The same for a manifest: JSON, first {"prefix": "s3://..."}, then names below it."""
        head, *names = self.read_json(uri)
        for name in names[part::parts]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            self._get(*split(head["prefix"] + name), folder / name)
        return len(names)

    def read_json(self, uri: str) -> Any:
        """The object as JSON.

        Raises:
            ClientFault: It cannot be read.
        """
        bucket, key = split(uri)
        try:
            return json.loads(self.client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except (ClientError, ValueError) as error:
            raise ClientFault(f"Unable to read {uri}: {error}") from error

    def upload_folder(self, folder: Path, uri: str, seen: dict[Path, tuple[int, int]]) -> None:
        """Uploads the files that are new or changed since the last call with the same `seen`."""
        bucket, prefix = split(uri)
        for file in _files(folder):
            try:
                state = file.stat()
                signature = (state.st_mtime_ns, state.st_size)
                if seen.get(file) == signature:
                    continue
                self._put(file, bucket, f"{prefix.rstrip('/')}/{file.relative_to(folder)}".lstrip("/"))
                seen[file] = signature
            except FileNotFoundError:
                continue  # The job has removed or renamed it in between.

    def upload_tar(self, folder: Path, uri: str) -> None:
        """Uploads a folder's content as a tarball."""
        file = folder.parent / f"{folder.name}.tar.gz"
        with tarfile.open(file, "w:gz", compresslevel=1) as tar:
            for member in sorted(folder.iterdir()):
                tar.add(member, arcname=member.name)
        self._put(file, *split(uri))
        file.unlink()

    def _get(self, bucket: str, key: str, file: Path) -> None:
        try:
            self.client.download_file(bucket, key, str(file))
        except ClientError as error:
            where = f"s3://{bucket}/{key}"
            raise ClientFault(f"Data download failed:Unable to download object {where} ({_words(error)})") from error

    def _put(self, file: Path, bucket: str, key: str) -> None:
        try:
            with file.open("rb") as body:
                self.client.upload_fileobj(body, bucket, key)
        except ClientError as error:
            raise ClientFault(
                f"Artifact upload failed:Unable to upload s3://{bucket}/{key} ({_words(error)})"
            ) from error


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            yield Path(parent) / name


def _words(error: ClientError) -> str:
    return f"{error.response['Error']['Code']}: {error.response['Error'].get('Message', '')}"
