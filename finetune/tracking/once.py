"""Says a thing of a tracker once, whichever process of a step, or step of a process, comes to it first."""

import re
from pathlib import Path

from finetune.progress import say

_CREDENTIALS = re.compile(r"(?<=://)[^\s/'\"]*@")
_LONGEST = 300


class Once:
    """What was said stays as a mark in a folder that those processes and steps share."""

    def __init__(self, folder: Path, name: str) -> None:
        self._name, self._mark = name, folder / f"{name}.said"

    @property
    def said(self) -> bool:
        """Whether anything was said."""
        return self._mark.exists()

    def say(self, text: str) -> None:
        """Says it, if nothing was said before."""
        try:
            self._mark.touch(exist_ok=False)
        except FileExistsError:
            return
        except OSError:  # without a mark it may be said again
            pass
        say(f"{self._name}: {text}")


def brief(error: BaseException) -> str:
    """An error as one line without credentials; of a request that failed, why it failed."""
    text = " ".join((str(error) or type(error).__name__).split())
    cause = re.search(r"Caused by \w+\(.*: (.+?)['\"]\)+$", text)
    return without_credentials(cause[1] if cause else text)[:_LONGEST]


def without_credentials(text: str) -> str:
    """The same without user and password of its URLs."""
    return _CREDENTIALS.sub("***@", text)
