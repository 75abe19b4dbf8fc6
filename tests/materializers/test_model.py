from pathlib import Path

import pytest
import torch

from finetune.artifacts import ModelFolder
from finetune.training.model_folder import ModelFacts, save
from materializers.model import ModelFolderMaterializer
from tests.materializers.conftest import Make


def model(folder: Path, value: float = 1.0) -> ModelFolder:
    module = torch.nn.Linear(3, 2)
    torch.nn.init.constant_(module.weight, value)
    torch.nn.init.zeros_(module.bias)
    save(folder, module, ModelFacts("tiny", {}, ["a", "b"], ["x"], {}))
    return ModelFolder(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("far", [False, True])
def test_a_stored_folder_comes_back_byte_by_byte(make: Make, tmp_path: Path, far: bool) -> None:
    made = model(tmp_path / "model")
    (tmp_path / "model" / "extra").mkdir()
    (tmp_path / "model" / "extra" / "notes.txt").write_text("kept too")
    materializer = make(ModelFolderMaterializer, far=far)
    materializer.save(made)
    loaded = materializer.load(ModelFolder)
    assert materializer.compute_content_hash(loaded) == materializer.compute_content_hash(made)
    assert contents(loaded.path) == contents(made.path)
    assert (str(loaded.path) == materializer.uri) == (not far)


def test_the_hash_is_that_of_names_and_contents(make: Make, tmp_path: Path) -> None:
    materializer = make(ModelFolderMaterializer)
    one, same, other = (model(tmp_path / name, value) for name, value in (("a", 1), ("b", 1), ("c", 2)))
    digest = materializer.compute_content_hash(one)
    assert digest == materializer.compute_content_hash(same) != materializer.compute_content_hash(other)
    (tmp_path / "b" / "finetune.json").rename(tmp_path / "b" / "other.json")
    assert materializer.compute_content_hash(same) != digest


def test_metadata_tells_labels_functions_and_bytes(make: Make, tmp_path: Path) -> None:
    made = model(tmp_path / "model")
    size = sum(len(content) for content in contents(made.path).values())
    assert make(ModelFolderMaterializer).extract_metadata(made) == {
        "labels": ["a", "b"],
        "functions": "tiny",
        "bytes": size,
    }
