"""Cuts a group into parts by bytes, each with a name that says what it is made from. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from finetune.shards.plan import Unit

MB = 1_000_000
PER_ID = 65_536
"""What an id costs beside its bytes, in bytes: many small ones are work, too."""


@dataclass(frozen=True)
class Part:
    """A slice of a group for one process: ids that follow each other."""

    name: str
    """A digest of what it is made from, so that a stale part is never taken for this one."""
    made_from: Mapping[str, str]
    """Digests of code, config and inputs."""
    units: Sequence[Unit]

    @property
    def weight(self) -> int:
        """What it costs, in bytes."""
        return sum(map(weight, self.units))

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(unit.size for unit in self.units)


def weight(unit: Unit) -> int:
    """What an id costs, in bytes."""
    return unit.size + PER_ID


def cut(units: Iterable[Unit], part_mb: int, *, code: str, config: str) -> Iterator[Part]:
    """Yields the parts in order; an id that is larger than a part is one of its own.

    Args:
        units: A group's ids in order of guid.
        part_mb: Megabytes of a part.
        code: Hash of the code that encodes.
        config: Text of all settings that decide what comes out.
    """
    gathered: list[Unit] = []
    total = 0
    for unit in units:
        if gathered and total + weight(unit) > part_mb * MB:
            yield _part(gathered, code, config)
            gathered, total = [], 0
        gathered.append(unit)
        total += weight(unit)
    if gathered:
        yield _part(gathered, code, config)


def in_order_of_work(parts: Iterable[Part]) -> list[Part]:
    """The largest first: handed out so, the last ones to end are small, and no core waits long."""
    return sorted(parts, key=lambda part: (-part.weight, part.name))


def _part(units: list[Unit], code: str, config: str) -> Part:
    inputs = [[unit.guid, unit.label, [list(file) for file in unit.files]] for unit in units]
    made_from = {"code": code, "config": _digest(config), "inputs": _digest(json.dumps(inputs))}
    return Part(_digest(json.dumps(made_from, sort_keys=True)), made_from, tuple(units))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
