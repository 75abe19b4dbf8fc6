"""A group that SageMaker divides itself (ShardedByS3Key): each instance of its job encodes the ids whose file it got.

Nobody knows before the job starts which these are, so each instance leaves a bit for each id, and the leader lays
together what all have made. `python -m finetune.shards.dealt FOLDER` does so on an instance that does not lead.
"""

import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from finetune.collector import collect_rarely
from finetune.compute.deal import CHANNEL
from finetune.errors import FinetuneError, PrepareError
from finetune.job.failure import leave
from finetune.job.hosts import Hosts, hosts_of
from finetune.job.task import TASK, Task, ask_others, blamed
from finetune.progress import say
from finetune.shards.group import Group, gather, make_missing
from finetune.shards.parts import Part, cut
from finetune.shards.plan import Plan, Unit
from finetune.shards.work import Work
from finetune.storage.storage import storage_of
from finetune.storage.uri import join
from finetune.words import counted

FILES = f"/opt/ml/input/data/{CHANNEL}"
_PLAN, _POLL_S = "plan.parquet", 1.0

_Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class Deal:
    """What all instances of the job must know."""

    work: Work
    group: int
    part_mb: int
    code: str
    config: str
    """As `cut` takes them."""
    processes: int | None
    """Of each instance; None for as many as it has cores."""
    place: str
    """Folder in S3 for the plan and for what each instance got; the job's own, removed at the end."""
    files: str = FILES
    """Where an instance finds the files that were dealt to it."""

    @property
    def task(self) -> Task:
        """What the leader asks of the other instances."""
        return Task("finetune.shards.dealt", json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> "Deal":
        """The same again, where the task was put."""
        told = json.loads((folder / TASK).read_text(encoding="utf-8"))
        return cls(**{**told, "work": Work(**told["work"])})

    def parts(self, units: Iterable[Unit]) -> list[Part]:
        """The parts of ids that one instance has."""
        return list(cut(units, self.part_mb, code=self.code, config=self.config))


def encode_dealt(plan: Plan, deal: Deal, hosts: Hosts, *, target: Path, scratch: Path) -> Group:
    """Called by the leader: makes its share, waits for the others', and lays all together.

    Args:
        plan: Of all ids.
        deal: What all instances know.
        hosts: The job's instances.
        target: The folder to make.
        scratch: A folder for parts that are fetched.

    Raises:
        PrepareError: As `make_missing`; another instance failed; or an id's file was dealt to none, or to several.
    """
    storage = storage_of(deal.place)
    storage.delete_below(deal.place)  # what an interrupted start of the same job left: it may have been dealt otherwise
    storage.put(plan.path, join(deal.place, _PLAN))
    ask_others(deal.task)
    _make_share(plan, deal, hosts.current, scratch)
    units = list(plan.units(deal.group))
    shares = [_share_of(deal, host, len(units)) for host in hosts.names]
    storage.delete_below(deal.place)
    _refuse_misdealt(units, shares, deal.work.files)
    say(f"encode group: dealt to {len(shares)} instances: {' + '.join(f'{share.sum():,}' for share in shares)} ids")
    return gather([part for share in shares for part in deal.parts(compress(units, share))], deal.work, target, scratch)


def _make_share(plan: Plan, deal: Deal, host: str, scratch: Path) -> None:
    """Makes what is missing of the parts of the ids whose file lies here; says last whose these are."""
    here = [_is_here(unit, deal.files) for unit in plan.units(deal.group)]
    make_missing(
        deal.parts(compress(plan.units(deal.group), here)),
        replace(deal.work, here=deal.files),
        name=f"encode {counted(sum(here), 'id')} of {len(here):,}",
        processes=deal.processes or os.cpu_count() or 1,
        scratch=scratch,
    )
    storage_of(deal.place).write(join(deal.place, host), np.packbits(here).tobytes())


def _is_here(unit: Unit, folder: str) -> bool:
    return all(os.path.exists(join(folder, unit.guid, file.name)) for file in unit.files)


def _share_of(deal: Deal, host: str, count: int) -> _Bits:
    """Which ids an instance encodes, once it has encoded them."""
    while (told := storage_of(deal.place).read(join(deal.place, host))) is None:
        if (why := blamed()) is not None:
            raise PrepareError(f"encode group: another instance failed: {why}")
        time.sleep(_POLL_S)
    return np.unpackbits(np.frombuffer(told, np.uint8), count=count).astype(bool)


def _refuse_misdealt(units: list[Unit], shares: list[_Bits], files: str) -> None:
    times = np.sum(shares, axis=0)
    wrong = np.flatnonzero(times != 1)
    if len(wrong):
        unit, number = units[wrong[0]], times[wrong[0]]
        place = join(files, unit.guid, unit.files[0].name)
        raise PrepareError(
            f"encode group: SageMaker dealt the files of {counted(len(wrong), 'id')} of {len(units):,} to no instance "
            f"or to several; the first is {place}, which {f'{number} instances' if number else 'none'} got; look "
            f"whether it is still there, and start the run again: parts that are done stay"
        )


def main(name: str) -> int:
    """Makes the share of an instance that does not lead; a failure stays in the folder, for who started this."""
    folder, hosts = Path(name), hosts_of()
    try:
        deal = Deal.read(folder)
        with tempfile.TemporaryDirectory(prefix="dealt-") as scratch:
            plan = Plan(Path(scratch, _PLAN))
            storage_of(deal.place).fetch(join(deal.place, _PLAN), plan.path)
            _make_share(plan, deal, hosts.current if hosts else "", Path(scratch))
    except Exception as error:
        if not isinstance(error, FinetuneError):
            traceback.print_exc()
        leave(folder, error)
        return 1
    return 0


if __name__ == "__main__":
    collect_rarely()
    sys.exit(main(sys.argv[1]))
