"""How much disk a group needs on the machine that encodes it. Pure."""

from collections.abc import Iterable

from finetune.shards.parts import Part
from finetune.storage.uri import is_s3


def needed(parts: Iterable[Part], *, files: str, processes: int, share: float) -> int:
    """Bytes: what is encoded, and of files in S3 the parts that are at hand at the same time.

    Args:
        parts: The group's.
        files: The folder of all ids.
        processes: Processes that encode at the same time.
        share: Bytes of encoded rows, at most, for each byte of files.
    """
    sizes = sorted((part.size for part in parts), reverse=True)
    at_hand = sum(sizes[:processes]) if is_s3(files) else 0
    return at_hand + round(share * sum(sizes))
