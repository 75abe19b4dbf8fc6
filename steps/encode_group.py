"""Encodes one group of ids, part by part, in parallel processes."""

import os
from typing import Annotated, Any

from zenml import log_metadata, step

from finetune.config.model import ModelConfig
from finetune.config.prepare import PrepareConfig
from finetune.experiment import Home
from finetune.prepare.watched import Guarded
from finetune.shards.assign import refuse_larger
from finetune.shards.group import Group
from finetune.shards.group import encode_group as encode_parts
from finetune.shards.merge import refuse_dropped
from finetune.shards.parts import cut
from finetune.shards.plan import Plan
from finetune.shards.work import Work
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
            model=Guarded(model.model_dump(), differing),
            batch_size=settings.batch_size,
            memory_mb=shards.memory_mb,
            drops=shards.corrupt == "drop",
            parts=str(home.parts),
        )
        config = repr((about, model.model_dump_json(), sorted(differing), shards.corrupt, files))
        encoded = encode_parts(
            list(cut(plan.units(group), shards.part_mb, code=code, config=config)),
            work,
            name=f"encode group {group}",
            processes=processes,
            target=scratch / "group",
            scratch=scratch,
        )
        counted: dict[str, Any] = vars(encoded.about)
        refuse_dropped(encoded.about.dropped, len(plan.table(["guid"])), shards.max_dropped)
        log_metadata({name: counted[name] for name in ("ids", "rows", "bytes")} | {"parts": len(counted["parts"])})
        return encoded
