"""Encodes one group of ids, part by part, in parallel processes."""

import os
from typing import Annotated, Any

from zenml import log_metadata, step

from finetune.compute.deal import S3_KEY
from finetune.config.model import ModelConfig
from finetune.config.prepare import PrepareConfig
from finetune.experiment import Home
from finetune.job.hosts import hosts_of
from finetune.shards.assign import refuse_larger
from finetune.shards.dealt import Deal, encode_dealt
from finetune.shards.group import Group, gather, make_missing
from finetune.shards.merge import refuse_dropped
from finetune.shards.parts import cut
from finetune.shards.plan import Plan
from finetune.shards.work import Work
from finetune.storage.uri import join
from materializers.group import GroupMaterializer
from steps.room import free_here, group_need, shards_of
from steps.work import working


@step(output_materializers={"group_{number}": GroupMaterializer})
def encode_group(
    plan: Plan,
    group: int,
    home: Home,
    files: str,
    settings: PrepareConfig,
    model: ModelConfig,
    differing: dict[str, list[str]],
    functions: str,
    calls: list[str],
    code: str,
) -> Annotated[Group, "group_{number}"]:
    """Makes those parts of a group that are not done yet, and its file; `code` is the hash of what encodes.

    `files` is the folder of all ids; `model` and `differing` are what prepare takes.
    """
    with working() as scratch:
        shards, about = shards_of(settings), plan.about
        processes = settings.processes or os.cpu_count() or 1
        need = group_need(plan, group, shards.part_mb, files, processes)
        refuse_larger({group: need}, *free_here(home))
        work = Work(
            functions=functions,
            calls=calls,
            files=files,
            labels=about.get("names"),
            model=model.model_dump(),
            batch_size=settings.batch_size,
            memory_mb=shards.memory_mb,
            drops=shards.corrupt == "drop",
            parts=str(home.parts),
            differing=differing,
        )
        config = repr((about, model.model_dump_json(), sorted(differing), shards.corrupt, files))
        target, hosts = scratch / "group", hosts_of()
        if shards.by == S3_KEY and hosts is not None and len(hosts.names) > 1:
            place = join(work.parts, os.environ["TRAINING_JOB_NAME"])
            deal = Deal(work, group, shards.part_mb, code, config, settings.processes, place)
            encoded = encode_dealt(plan, deal, hosts, target=target, scratch=scratch)
        else:
            parts = list(cut(plan.units(group), shards.part_mb, code=code, config=config))
            make_missing(parts, work, name=f"encode group {group}", processes=processes, scratch=scratch)
            encoded = gather(parts, work, target, scratch)
        counted: dict[str, Any] = vars(encoded.about)
        refuse_dropped(encoded.about.dropped, len(plan.table(["guid"])), shards.max_dropped)
        log_metadata({name: counted[name] for name in ("ids", "rows", "bytes")} | {"parts": len(counted["parts"])})
        return encoded
