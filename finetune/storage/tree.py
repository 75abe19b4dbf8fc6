"""Lists a tree of files, folder by folder: `<folder>/p30/p300001/3000001/...`. Links are never followed."""

import os
from collections.abc import Iterator

from finetune.errors import ReconcileError
from finetune.storage.listing import ListedFile, list_files
from finetune.storage.uri import S3Uri, is_s3


def list_tree(folder: str) -> Iterator[tuple[str, list[ListedFile]]]:
    """Yields each folder below a folder that has files of its own, by its path relative to it, in any order.

    Raises:
        ReconcileError: The folder is missing or unreadable, or there is a link.
        StorageError: S3 does not answer.
    """
    yield from _of_s3(S3Uri.parse(folder)) if is_s3(folder) else _of_disk(folder)


def _of_s3(folder: S3Uri) -> Iterator[tuple[str, list[ListedFile]]]:
    from finetune.storage.objects import Objects

    found: dict[str, list[ListedFile]] = {}  # a folder's files need not follow each other in the order of keys
    for each in Objects().below(folder):
        inside, _, name = each.path.rpartition("/")
        if name:
            found.setdefault(inside, []).append(ListedFile(name, each.size, each.version))
    yield from found.items()


def _of_disk(folder: str) -> Iterator[tuple[str, list[ListedFile]]]:
    for place, folders, names in os.walk(folder, onerror=_refuse):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        files = list_files(place, sorted([*names, *links]))  # it refuses links
        if files:
            yield os.path.relpath(place, folder), files


def _refuse(error: OSError) -> None:
    raise ReconcileError(
        f"production.files: cannot list {error.filename}: {error.strerror}; correct the path or its permissions"
    ) from error
