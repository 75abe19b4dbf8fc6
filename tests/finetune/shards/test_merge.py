from pathlib import Path

import datasets
import pyarrow as pa
import pytest
from datasets.table import InMemoryTable

from finetune.errors import PrepareError
from finetune.shards.merge import joined, told_dropped


def table(**columns: list[object]) -> InMemoryTable:
    return InMemoryTable(pa.table(columns))


def test_columns_in_another_order_are_brought_into_that_of_the_first() -> None:
    both = joined([table(a=[1], b=["x"]), table(b=["y"], a=[2])])
    assert both.to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


def test_columns_of_another_type_are_refused_with_both_schemas() -> None:
    with pytest.raises(PrepareError, match=r"group 1 has the columns a \(string\), but group 0 has a \(int64\)"):
        joined([table(a=[1]), table(a=["x"])])


def test_rows_are_not_copied(tmp_path: Path) -> None:
    datasets.Dataset.from_dict({"a": [1, 2]}).save_to_disk(str(tmp_path / "one"))
    mapped = datasets.load_from_disk(str(tmp_path / "one")).data
    before = pa.total_allocated_bytes()
    assert len(joined([mapped] * 50)) == 100
    assert pa.total_allocated_bytes() == before


def test_ids_that_could_not_be_read_are_told_with_their_reasons() -> None:
    said = told_dropped({"a": "ValueError: no header", "b": "OSError: short"})
    assert said.splitlines()[1:] == ["  a: ValueError: no header", "  b: OSError: short"]
    assert "cannot read 2 ids, dropped by prepare.shards.corrupt" in said
