"""Whether groups fit on the machines that will encode them, asked before the first of these starts."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from finetune.config.experiment import ExperimentConfig
from finetune.config.prepare import PrepareConfig
from finetune.config.shards import ShardsConfig
from finetune.experiment import Home
from finetune.shards.assign import refuse_larger
from finetune.shards.parts import cut
from finetune.shards.plan import Plan
from finetune.shards.room import needed
from finetune.storage.uri import is_s3
from steps.work import run_facts

GB = 1_000_000_000


def shards_of(settings: PrepareConfig) -> ShardsConfig:
    """prepare.shards, or one group where the config says nothing."""
    return settings.shards or ShardsConfig()


def refuse_without_room(plan: Plan, shards: ShardsConfig, home: Home, files: str, processes: int | None) -> None:
    """Refuses a plan of which a group does not fit on its machine, where it is known how much disk that has.

    Raises:
        PrepareError: Names the largest group.
    """
    count = processes or os.cpu_count() or 1
    for groups, volume, disk in _disks(home, shards.steps):
        needs = {group: group_need(plan, group, shards.part_mb, files, count) for group in groups}
        refuse_larger(needs, volume, disk)


def group_need(plan: Plan, group: int, part_mb: int, files: str, processes: int) -> int:
    """Bytes that a group needs on its machine's disk."""
    parts = cut(plan.units(group), part_mb, code="", config="")
    return needed(parts, files=files, processes=processes, share=float(plan.about["share"]))


def free_here(home: Home) -> tuple[int, str]:
    """The least free bytes of the disks that encoding writes on, and what to call that place."""
    places = [Path(tempfile.gettempdir())]
    if not is_s3(home.path):
        Path(home.root).mkdir(parents=True, exist_ok=True)
        places.append(Path(home.root))
    free = {place: shutil.disk_usage(place).free for place in places}
    least = min(free, key=lambda place: free[place])
    return free[least], f"the disk of {least}"


def _disks(home: Home, groups: int) -> Iterator[tuple[Sequence[int], int, str]]:
    """What is known of the disks of the machines that encode: the groups that have each, its bytes and its name.

    On AWS they are the config's, on this machine this one's.
    """
    facts, every = run_facts(), range(groups)
    if facts["image"] is None:
        yield every, *free_here(home)
        return
    compute = ExperimentConfig.model_validate(facts["config"]).compute
    own = len(compute.encode_groups)
    for group in every[:own]:
        yield [group], compute.encode_groups[group].volume_gb * GB, f"compute.encode_groups.{group}.volume_gb"
    if compute.encode_group is not None:
        yield every[own:], compute.encode_group.volume_gb * GB, "compute.encode_group.volume_gb"
