"""How long examples are, so that batches hold examples of about one length."""

import datasets
import pyarrow as pa
import pyarrow.compute as pc


def example_lengths(dataset: datasets.Dataset) -> list[int]:
    """The length of each example's longest sequence; 0 where no feature is a sequence of varying length."""
    table = dataset.with_format("arrow")[:]
    lists = [column for column in table.columns if pa.types.is_list(column.type) or pa.types.is_large_list(column.type)]
    if not lists:
        return [0] * len(dataset)
    return pc.max_element_wise(*(pc.list_value_length(column) for column in lists)).to_pylist()
