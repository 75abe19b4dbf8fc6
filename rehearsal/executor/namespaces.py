"""Namespaces: the command that enters new ones, and whether this machine allows it."""

import os
import shutil
import subprocess

from rehearsal.errors import RehearsalError


def enter() -> list[str]:
    """The command in front of process 1: mounts, host name and processes of its own; an ordinary user becomes its root.

    If the command is killed, the kernel ends all processes inside.
    """
    command = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--propagation", "private"]
    return command if os.geteuid() == 0 else [*command, "--user", "--map-root-user"]


def check_namespaces() -> None:
    """Tries them once.

    Raises:
        RehearsalError: The machine has no `unshare`, or refuses.
    """
    if shutil.which("unshare") is None:
        raise RehearsalError("rehearsal: `unshare` is not installed; install util-linux (Linux only)")
    tried = subprocess.run([*enter(), "mount", "-t", "proc", "proc", "/proc"], capture_output=True, text=True)
    if tried.returncode != 0:
        raise RehearsalError(
            f"rehearsal: this machine refuses namespaces ({tried.stderr.strip()}). A job needs its own /opt/ml, so "
            "nothing was started. Allow them (sysctl kernel.unprivileged_userns_clone=1, or "
            "kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu), "
            "or run as root (in a container: with --privileged)"
        )
