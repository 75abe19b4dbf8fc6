"""Decides which group each key goes to: balanced by bytes, a key never split, the same on every machine. Pure."""

import hashlib
import heapq
from collections.abc import Mapping

from finetune.errors import PrepareError
from finetune.words import counted


def assign(sizes: Mapping[str, int], groups: int) -> dict[str, int]:
    """The group of each key, by the rule of the longest processing time (LPT, Graham 1969).

    The largest key goes first, each to the group that has least so far; of equal ones to the first. The largest group
    is at most 4/3 of what the best division could give.

    Args:
        sizes: Bytes by key.
        groups: How many groups.

    Raises:
        PrepareError: There are fewer keys than groups.
    """
    if len(sizes) < groups:
        raise PrepareError(
            f"prepare.shards.groups: must be at most the number of keys that stay together, {len(sizes):,}, but got "
            f"{groups}: a group would be empty; lower it, or choose another prepare.shards.by"
        )
    loads = [(0, 0, group) for group in range(groups)]
    assigned = {}
    for key in sorted(sizes, key=lambda key: (-sizes[key], key)):
        load, keys, group = heapq.heappop(loads)
        assigned[key] = group
        # of keys without bytes each still gets its turn, so that no group stays empty
        heapq.heappush(loads, (load + sizes[key], keys + 1, group))
    return assigned


def bucket(guid: str, groups: int) -> str:
    """The key of an id by its hash: it depends on the id and the number of groups alone, so new ids move no other."""
    return str(int.from_bytes(hashlib.blake2b(guid.encode(), digest_size=8).digest()) % groups)


def first_folder(guid: str) -> str:
    """The key of an id by its place: p30 of p30/p300001/3000001; an id without folders is a key of its own."""
    return guid.partition("/")[0]


def refuse_larger(needs: Mapping[int, int], free: int, disk: str) -> None:
    """Refuses groups that need more room than there is.

    Args:
        needs: Bytes by group, as `room.needed` tells them.
        free: Bytes that are free on the machine that encodes a group.
        disk: What the message calls that place.

    Raises:
        PrepareError: Names the largest group.
    """
    if not needs:
        return
    group = max(needs, key=lambda group: (needs[group], -group))
    if needs[group] > free:
        larger = sum(need > free for need in needs.values())
        raise PrepareError(
            f"prepare.shards: {counted(larger, 'group')} of {len(needs)} would not fit on the disk; group {group} "
            f"needs {needs[group]:,} bytes, but {disk} has {free:,}; raise prepare.shards.groups, or take a larger "
            f"disk (on AWS compute.encode_group.volume_gb)"
        )
