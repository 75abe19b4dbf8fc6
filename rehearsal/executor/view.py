"""The file tree that a job sees: this machine's, read-only, with some folders hidden and others put in place.

The tree is built below an empty folder and becomes `/` by chroot, so that folders such as /opt/ml and /app appear
without being made on this machine, and vanish with the job's namespace.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from rehearsal.executor.mount import UNBINDABLE, bind, memory_folder, mount

# Left writable: devices are not files on disk, and the kernel guards the other two.
KERNEL_FOLDERS = frozenset({"/dev", "/proc", "/sys"})


@dataclass(frozen=True)
class View:
    """What differs from this machine's own tree. All paths are absolute.

    places: path that the job sees -> folder or file of this machine, writable.
    hidden: folders that are empty for the job.
    kept: paths inside hidden folders or places that stay visible, read-only, such as the image's interpreter.
    small: path -> size in MB of a file system of its own, to rehearse a full disk.
    """

    places: dict[str, str]
    hidden: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    small: dict[str, int] = field(default_factory=dict)


def to_mirror(targets: Iterable[str], exists: Callable[[str], bool]) -> set[str]:
    """The folders that must be copied as a folder of mounts, because something new is put into them."""
    found = {"/"}
    seen: list[str] = []
    for target in sorted(targets):
        covered = any(PurePosixPath(target).is_relative_to(above) for above in seen)
        seen.append(target)
        if covered or exists(target):
            continue
        nearest = next(str(above) for above in PurePosixPath(target).parents if exists(str(above)))
        found |= {nearest, *(str(above) for above in PurePosixPath(nearest).parents)}
    return found


def build(view: View, root: str) -> None:
    """Builds the tree below the empty folder `root`. The caller is in a mount namespace of its own.

    Raises:
        OSError: The kernel refuses a mount.
    """
    memory_folder(root)
    # Else the copies of folders above `root` would hold copies of the tree itself.
    mount("none", root, flags=UNBINDABLE)
    skipped = {*view.places, *view.hidden}
    _mirror("/", root, to_mirror(view.places, os.path.exists), skipped)
    for path in view.hidden:
        if os.path.isdir(path):
            os.makedirs(root + path, exist_ok=True)
            memory_folder(root + path)
    for path, source in sorted(view.places.items()):
        _put(source, root + path, writable=True)
    for path, megabytes in view.small.items():
        os.makedirs(root + path, exist_ok=True)
        memory_folder(root + path, megabytes)
    for path in view.kept:
        if any(PurePosixPath(path).is_relative_to(above) for above in skipped):
            _put(path, root + path, writable=False)
    mount("proc", root + "/proc", kind="proc")
    memory_folder(root + "/dev/shm")


def _mirror(path: str, root: str, mirrored: set[str], skipped: set[str]) -> None:
    """Copies one folder as mounts, symbolic links and, where something new comes into it, folders."""
    for name in os.listdir(path):
        source = os.path.join(path, name)
        if os.path.islink(source):
            os.symlink(os.readlink(source), root + source)
        elif source in mirrored:
            os.mkdir(root + source)
            _mirror(source, root, mirrored, skipped)
        elif source not in skipped:
            _put(source, root + source, writable=source in KERNEL_FOLDERS)


def _put(source: str, target: str, *, writable: bool) -> None:
    """Binds a folder or a file; makes what it is mounted on."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w"):
            pass
    bind(source, target, writable=writable)
