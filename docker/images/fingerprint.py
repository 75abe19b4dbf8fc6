"""The hash in an image's tag, from what goes into the image. Pure: it reads nothing."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

DIGITS = 16


@dataclass(frozen=True)
class Ingredient:
    """One file of the build context, as docker copies it: its times do not count, its executable bit does."""

    content: str
    """SHA-256 of its bytes, in hex; of a symbolic link, of where it points."""
    executable: bool = False
    link: bool = False


def fingerprint(dockerfile: str, arguments: Mapping[str, str], context: Mapping[str, Ingredient]) -> str:
    """Gives 16 hex digits that follow the Dockerfile's text, the build arguments, and the files' names and contents."""
    files = [[path, each.content, each.executable, each.link] for path, each in sorted(context.items())]
    text = json.dumps([dockerfile, sorted(arguments.items()), files])
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
