"""Merges encoded groups by reference: the rows stay where they are, an index per split gives their order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets.table import ConcatenationTable, InMemoryTable, MemoryMappedTable, Table, concat_tables
from numpy.typing import NDArray

from finetune.errors import PrepareError
from finetune.prepare.columns import GUID
from finetune.shards.group import Group, added
from finetune.shards.plan import Plan
from finetune.words import counted

INDICES = "indices"
ALL = "all"
"""The split of rows that are not divided."""
SHOWN = 20


@dataclass(frozen=True)
class Merged:
    """All groups as one dataset."""

    dataset: datasets.DatasetDict
    """By split, in order of guid."""
    ids: int
    """All ids, also those that gave no row."""
    truncated: dict[str, float] | None
    """Share of truncated rows per label; None if encode_data does not say."""
    dropped: Mapping[str, str]
    """Why, by guid: ids whose files could not be read."""
    statistics: dict[str, Any]
    """What each group came to."""


def merge(
    plan: Plan,
    groups: Sequence[Group],
    max_dropped: float,
    splits: Sequence[str],
    *,
    before: Mapping[str, str] | None = None,
) -> Merged:
    """Concatenates groups without rewriting them; which group a row lies in makes no difference to what comes out.

    Args:
        plan: What the groups were encoded by.
        groups: All of them.
        max_dropped: Share of the ids that may be dropped because their files could not be read.
        splits: The plan's splits; ids without one are in the first.
        before: Why, by guid: ids that were left out when the plan was made.

    Raises:
        PrepareError: More were dropped, groups have other columns, or their rows are not those of the plan.
    """
    abouts = [group.about for group in groups]
    dropped = dict(before or {})
    for about in abouts:
        dropped.update(about.dropped)
    whole = plan.table([GUID, "split"])
    refuse_dropped(dropped, len(whole) + len(before or {}), max_dropped)
    rows = joined([MemoryMappedTable.from_file(str(group.file)) for group in groups])
    truncated = added(about.truncated for about in abouts)
    return Merged(
        datasets.DatasetDict({split: _view(rows, index) for split, index in _orders(rows, whole, splits).items()}),
        len(whole) + len(before or {}),
        None if truncated is None else {label: part / total for label, (part, total) in truncated.items()},
        dict(sorted(dropped.items())),
        {
            f"group {number}": {
                "ids": about.ids,
                "rows": about.rows,
                "bytes": about.bytes,
                "parts": len(about.parts),
                "dropped": len(about.dropped),
            }
            for number, about in enumerate(abouts)
        },
    )


def refuse_dropped(dropped: Mapping[str, str], ids: int, most: float) -> None:
    """Refuses a share of dropped ids that is above the policy's.

    Raises:
        PrepareError: Names the first of them, with the reason of each.
    """
    if len(dropped) > most * ids:
        kinds = Counter(dropped.values())
        listed = "".join(f"\n  {guid}: {dropped[guid]}" for guid in sorted(dropped)[:SHOWN])
        more = len(dropped) - SHOWN
        raise PrepareError(
            f"prepare.shards.max_dropped: at most {most:.2%} of the ids may be dropped because their files cannot be "
            f"read, but {counted(len(dropped), 'id')} of {ids:,} were ({counted(len(kinds), 'reason')}); mend them, or "
            f"raise it:{listed}{f'{chr(10)}  and {more:,} more' if more > 0 else ''}"
        )


def told_dropped(dropped: Mapping[str, str]) -> str:
    """Says which ids were dropped because encode_data could not read their files, and why: the first of them."""
    listed = "".join(f"\n  {guid}: {why}" for guid, why in list(dropped.items())[:SHOWN])
    return f"encode_data cannot read {counted(len(dropped), 'id')}, dropped by prepare.shards.corrupt:{listed}"


def joined(tables: Sequence[Table]) -> ConcatenationTable:
    """The tables as one, with the columns and metadata of the first: only the order of columns may differ.

    Raises:
        PrepareError: Columns are missing, or have another type.
    """
    norm = tables[0].schema
    same = []
    for number, table in enumerate(tables):
        found = table.schema
        if sorted(zip(found.names, map(str, found.types), strict=True)) != sorted(
            zip(norm.names, map(str, norm.types), strict=True)
        ):
            raise PrepareError(
                f"group {number} has the columns {_told(found)}, but group 0 has {_told(norm)}: they were encoded by "
                f"other code or packages; start again with --no-cache"
            )
        same.append(table if found.equals(norm, check_metadata=True) else table.select(norm.names).cast(norm))
    return concat_tables(same)


def _told(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema)


def _orders(rows: Table, plan: pa.Table, splits: Sequence[str]) -> dict[str, NDArray[np.uint64]]:
    """The rows of each split, in order of guid; rows of one id stay in the order in which they were encoded."""
    places = pc.index_in(rows.column(GUID), value_set=plan.column(GUID).combine_chunks())
    if places.null_count:
        strange = pc.filter(rows.column(GUID), pc.is_null(places))[0].as_py()
        raise PrepareError(
            f"the encoded groups have id {strange}, which is not in the plan; start again with --no-cache"
        )
    place = places.to_numpy()
    order = np.argsort(place, kind="stable").astype(np.uint64)
    named = pc.fill_null(plan.column("split"), splits[0]).to_numpy(zero_copy_only=False)
    of_row = named[place[order]]
    return {split: order[of_row == split] for split in splits}


def _view(rows: Table, order: NDArray[np.uint64]) -> datasets.Dataset:
    return datasets.Dataset(rows, indices_table=InMemoryTable(pa.table({INDICES: pa.array(order, pa.uint64())})))
