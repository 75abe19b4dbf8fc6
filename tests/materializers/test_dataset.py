from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Array2D, Dataset, DatasetDict, Features, List, Value, concatenate_datasets, load_from_disk

from materializers.dataset import ROWS, DatasetMaterializer, content_hash
from tests.materializers.conftest import Make

FEATURES = Features({"guid": Value("string"), "words": List(Value("int32")), "labels": Value("int64")})


def rows(count: int = 2 * ROWS + 17, **changes: Any) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        "guid": [f"id{number}" for number in range(count)],
        "words": [[number] * (number % 4) for number in range(count)],
        "labels": [number % 3 for number in range(count)],
    }
    return {**columns, **changes}


def both(columns: dict[str, list[Any]], features: Features = FEATURES) -> DatasetDict:
    dataset = Dataset.from_dict(columns, features=features)
    return DatasetDict(train=dataset, test=dataset.select(range(5)))


def test_the_hash_does_not_depend_on_how_rows_lie_in_files(tmp_path: Path) -> None:
    data = both(rows())
    data.save_to_disk(tmp_path / "two", num_shards={"train": 2, "test": 1})
    pieces = concatenate_datasets([data["train"].select(range(a, b)) for a, b in ((0, 7), (7, 1500), (1500, 2017))])
    backwards = list(reversed(range(2017)))
    turned_twice = data["train"].select(backwards).select(backwards)
    longer = Dataset.from_dict(rows(3000), features=FEATURES).select(range(2017))
    expected = content_hash(data)
    assert content_hash(load_from_disk(str(tmp_path / "two"))) == expected
    for train in (pieces, turned_twice, longer):
        assert content_hash(DatasetDict(train=train, test=data["test"])) == expected
    assert content_hash(DatasetDict(test=data["test"], train=data["train"])) == expected


@pytest.mark.parametrize("index", [0, ROWS - 1, ROWS, 2016])
@pytest.mark.parametrize(("name", "value"), [("guid", "other"), ("words", [9, 9]), ("words", []), ("labels", 7)])
def test_the_hash_changes_with_any_value(index: int, name: str, value: Any) -> None:
    columns = rows()
    columns[name][index] = value if columns[name][index] != value else [8]
    assert content_hash(both(columns)) != content_hash(both(rows()))


def test_the_hash_changes_with_order_type_name_and_split() -> None:
    data = both(rows())
    moved = data["train"].select([1, 0, *range(2, 2017)])
    narrow = data.cast(Features({**FEATURES, "labels": Value("int32")}))
    others = [
        DatasetDict(train=moved, test=data["test"]),
        narrow,
        data.rename_column("labels", "label"),
        DatasetDict(train=data["train"], validation=data["test"]),
        DatasetDict(train=data["test"], test=data["train"]),
        DatasetDict(train=data["train"].select(range(2016)), test=data["test"]),
    ]
    assert len({content_hash(data), *map(content_hash, others)}) == len(others) + 1


def test_values_of_one_list_are_not_those_of_the_next() -> None:
    one, other = (both(rows(6, words=words)) for words in ([[1], [2, 3]] * 3, [[1, 2], [3]] * 3))
    assert content_hash(one) != content_hash(other)


def test_images_and_arrays_are_hashed_by_their_values(tmp_path: Path) -> None:
    features = Features({"pixels": Array2D((2, 2), "float32")})
    one, same, other = (
        DatasetDict(train=Dataset.from_dict({"pixels": [np.full((2, 2), value)] * 3}, features=features))
        for value in (1.0, 1.0, 2.0)
    )
    same.save_to_disk(tmp_path / "same")
    assert content_hash(one) == content_hash(load_from_disk(str(tmp_path / "same"))) != content_hash(other)


@pytest.mark.parametrize("far", [False, True])
def test_what_is_stored_is_loaded_equal(make: Make, far: bool) -> None:
    data = both(rows())
    materializer = make(DatasetMaterializer, far=far)
    materializer.save(data)
    loaded = materializer.load(DatasetDict)
    assert {name: part.to_list() for name, part in loaded.items()} == {
        name: part.to_list() for name, part in data.items()
    }
    assert loaded["train"].features == FEATURES
    assert materializer.compute_content_hash(loaded) == materializer.compute_content_hash(data)


def test_loading_maps_the_stored_files_and_a_later_map_writes_nothing_there(make: Make) -> None:
    materializer = make(DatasetMaterializer)
    materializer.save(both(rows()))
    store = Path(materializer.uri)
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    loaded = materializer.load(DatasetDict)
    mapped = {Path(file["filename"]).resolve() for part in loaded.values() for file in part.cache_files}
    assert mapped == {path for path in before if path.suffix == ".arrow"}
    changed = (
        loaded.map(lambda row: {"labels": row["labels"] + 1}).filter(lambda row: row["labels"] == 1).shuffle(seed=1)
    )
    assert len(changed["train"]) == 673
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before


def test_metadata_tells_examples_features_and_hash(make: Make) -> None:
    data = both(rows(10))
    found = make(DatasetMaterializer).extract_metadata(data)
    assert found == {
        "examples": {"train": 10, "test": 5},
        "features": ["guid", "words", "labels"],
        "sha256": content_hash(data),
    }
