"""The kernel's mount call, with an error that says what was mounted where."""

import ctypes
import os

BIND, RECURSIVE, REMOUNT, READ_ONLY, UNBINDABLE = 4096, 16384, 32, 1, 1 << 17
_RELATIME_OF_STATVFS, _RELATIME = 4096, 1 << 21
# The flags that statvfs and mount write with the same bit: nosuid, nodev, noexec, noatime, nodiratime.
_SAME_BIT = 2 | 4 | 8 | 1024 | 2048

_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, *, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mounts `source` on `target`.

    Raises:
        OSError: The kernel refuses.
    """
    arguments = [text.encode() for text in (source, target, kind)]
    if _libc.mount(*arguments, ctypes.c_ulong(flags), options.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mounting {source or kind} on {target}: {os.strerror(number)}")


def bind(source: str, target: str, *, writable: bool) -> None:
    """Shows `source`, with what is mounted beneath it, at `target`.

    Only the topmost mount is made read-only. Its other flags stay: inside a user namespace they are locked.
    """
    mount(source, target, flags=BIND | RECURSIVE)
    if writable:
        return
    now = os.statvfs(target).f_flag
    kept = now & _SAME_BIT | (_RELATIME if now & _RELATIME_OF_STATVFS else 0)
    mount("none", target, flags=BIND | REMOUNT | READ_ONLY | kept)


def memory_folder(target: str, megabytes: int | None = None) -> None:
    """Mounts an empty file system in memory, of a given size or the kernel's default."""
    mount("tmpfs", target, kind="tmpfs", options="mode=755" + (f",size={megabytes}m" if megabytes else ""))
