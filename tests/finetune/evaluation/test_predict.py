import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel

from finetune.code_hash import functions_hash
from finetune.errors import EvaluateError, PrepareError
from finetune.evaluation.predict import load_run, mean_by_id, predict_probabilities
from finetune.training.collate import Collator
from finetune.training.model_folder import ModelFacts, save
from tests.on_path import on_path

ROOT = Path(__file__).parents[3]

FUNCTIONS = """
from pathlib import Path
from typing import NamedTuple

import torch
from datasets import Features, List, Value


def get_dataset_features(num_labels):
    return Features({"words": List(Value("int32")), "labels": Value("int64")})


def encode_data(instance, label2id, model):
    parts = Path(instance["words.txt"]).read_text().split(";")
    examples = [{"words": [int(word) for word in part.split()], "truncated": False} for part in parts if part.strip()]
    for example in examples:
        if model.get("forgets"):
            del example["words"]
        if label2id is not None:
            example["labels"] = label2id[Path(instance["label.txt"]).read_text()]
    return examples[0] if len(examples) == 1 else examples or None


class Outputs(NamedTuple):
    loss: torch.Tensor | None
    logits: torch.Tensor


class Sum(torch.nn.Module):
    def __init__(self, labels):
        super().__init__()
        self.head = torch.nn.Linear(1, labels)

    def forward(self, words, labels=None):
        logits = self.head(words.float().sum(1, keepdim=True))
        return Outputs(None if labels is None else torch.nn.functional.cross_entropy(logits, labels), logits)


def get_model(model, labels):
    return Sum(len(labels))
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """An experiment home whose run 3 has a model."""
    folder = tmp_path / "project" / "experiments" / "summing"
    folder.mkdir(parents=True)
    (folder / "functions.py").write_text(FUNCTIONS)
    with on_path(tmp_path / "project"):
        write_run(tmp_path)
        yield tmp_path / "home"


def write_run(tmp_path: Path, **model: Any) -> None:
    from finetune.functions import load_functions

    module = load_functions("summing").get_model({}, ["low", "high"])
    module.head.weight.data = torch.tensor([[-0.1], [0.1]])
    module.head.bias.data.zero_()
    code = functions_hash("summing")
    save(tmp_path / "model", module, ModelFacts("summing", model, ["low", "high"], ["words"], {}, code))
    run = tmp_path / "home" / "runs" / "3"
    run.mkdir(parents=True, exist_ok=True)
    (run / "run.json").write_text(json.dumps({"artifacts": {"model": str(tmp_path / "model")}}))


def test_code_that_changed_since_training_is_told(home: Path, tmp_path: Path) -> None:
    functions = tmp_path / "project" / "experiments" / "summing" / "functions.py"
    with warnings.catch_warnings(action="error"):
        load_run(home, 3)
        functions.write_text("# a comment changes no answer\n" + FUNCTIONS)
        load_run(home, 3)
    functions.write_text(FUNCTIONS.replace("words.float()", "-words.float()"))
    with pytest.warns(UserWarning, match="run 3 in .*: encode_data or get_model of experiments/summing changed since"):
        load_run(home, 3)


def instance(tmp_path: Path, name: str, text: str) -> dict[str, str]:
    (tmp_path / f"{name}.txt").write_text(text)
    return {"words.txt": str(tmp_path / f"{name}.txt")}


def test_a_runs_model_predicts_files_without_labels(home: Path, tmp_path: Path) -> None:
    predictor = load_run(home, 3)
    files = [instance(tmp_path, name, text) for name, text in [("a", "1 2"), ("b", " "), ("c", "-4 -5 -6"), ("d", "0")]]
    found = predictor.predict(files)
    assert found[1] is None
    assert list(found[0] or {}) == ["low", "high"]
    expected = [1 / (1 + np.exp(-0.2 * total)) for total in (3, -15, 0)]
    assert [row["high"] for row in found if row] == pytest.approx(expected, abs=1e-6)
    assert all(sum(row.values()) == pytest.approx(1) for row in found if row)


LOADS = """
from transformers import BertForSequenceClassification


def get_model(model, labels):
    return BertForSequenceClassification.from_pretrained(model["checkpoint"], num_labels=len(labels))
"""

SETTINGS = """
import sys
from transformers.utils import logging
from finetune.evaluation.predict import load_run
before = logging.get_verbosity(), logging.is_progress_bar_enabled()
load_run(sys.argv[1], 3)
assert before == (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (logging.WARNING, True)
"""


def test_loading_says_nothing_and_leaves_the_callers_settings(home: Path, tmp_path: Path) -> None:
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    BertModel(BertConfig(vocab_size=20, **size)).save_pretrained(tmp_path / "bert")
    (tmp_path / "project" / "experiments" / "summing" / "functions.py").write_text(FUNCTIONS + LOADS)
    trained = BertForSequenceClassification(BertConfig(vocab_size=20, **size))
    facts = ModelFacts("summing", {"checkpoint": str(tmp_path / "bert")}, ["low", "high"], ["words"], {})
    save(tmp_path / "model", trained, facts)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "project"), str(ROOT)])}
    for name in ("TRANSFORMERS_VERBOSITY", "HF_HUB_DISABLE_PROGRESS_BARS"):
        environment.pop(name, None)
    command = [sys.executable, "-c", SETTINGS, str(home)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_several_examples_of_an_id_are_averaged_and_equal_ids_stay_apart(home: Path, tmp_path: Path) -> None:
    one, other, both = (instance(tmp_path, name, text) for name, text in [("a", "9"), ("b", "-2"), ("c", "9; -2")])
    first, second, mean = (row or {} for row in load_run(home, 3).predict([one, other, both]))
    assert mean["high"] == pytest.approx((first["high"] + second["high"]) / 2)


def test_no_files_and_dropped_files_give_no_answer(home: Path, tmp_path: Path) -> None:
    predictor = load_run(home, 3)
    assert predictor.predict([]) == []
    assert predictor.predict([instance(tmp_path, "a", "")]) == [None]


def test_a_file_that_cannot_be_encoded_is_named(home: Path, tmp_path: Path) -> None:
    files = [instance(tmp_path, "a", "1"), instance(tmp_path, "b", "one")]
    with pytest.raises(PrepareError, match=r"ValueError: .*'one' for instance 1 with .*/b.txt"):
        load_run(home, 3).predict(files)


def test_features_that_are_missing_now_are_named(home: Path, tmp_path: Path) -> None:
    write_run(tmp_path, forgets=True)
    with pytest.raises(EvaluateError, match="for instance 0 missing: words; encode_data changed since training"):
        load_run(home, 3).predict([instance(tmp_path, "a", "1")])


def test_a_run_without_a_model_says_so(home: Path) -> None:
    with pytest.raises(EvaluateError, match=r"there is no run 4 in .* \(runs: 3\)"):
        load_run(home, 4)
    (home / "runs" / "3" / "run.json").write_text('{"artifacts": {}}')
    with pytest.raises(EvaluateError, match="runs/3/run.json names no model"):
        load_run(home, 3)


def test_files_under_other_names_are_told_with_those_that_encode_data_asks_for(home: Path, tmp_path: Path) -> None:
    given = {"word.txt": instance(tmp_path, "a", "1")["words.txt"]}
    with pytest.raises(
        PrepareError,
        match=r"functions.py:14: encode_data raised KeyError: 'words.txt' for instance 0 .*; instance 0 has no file "
        r"words.txt; did you mean word.txt\? \(there are: word.txt\)",
    ):
        load_run(home, 3).predict([given])


def test_a_home_that_does_not_exist_is_told_with_what_is_there(home: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluateError, match=r"no experiment home .*/hom: there is no hom among .* example home"):
        load_run(tmp_path / "hom", 3)


def test_a_get_model_that_changed_is_told_with_the_run_and_the_weights(home: Path, tmp_path: Path) -> None:
    functions = tmp_path / "project" / "experiments" / "summing" / "functions.py"
    functions.write_text(functions.read_text().replace("self.head", "self.top"))
    sys.modules.pop("experiments.summing.functions")
    with pytest.raises(EvaluateError) as caught:
        load_run(home, 3)
    told = str(caught.value).splitlines()
    assert told[0].startswith(f"run 3 in {home}: ")
    assert "get_model of experiments/summing/functions.py builds; it changed since training" in told[0]
    assert told[1:] == [
        "  top.bias is not among the trained weights",
        "  top.weight is not among the trained weights",
        "  head.bias is not in the model now",
        "  and 1 more",
    ]


def test_a_model_that_was_removed_is_told(home: Path, tmp_path: Path) -> None:
    (tmp_path / "model" / "finetune.json").unlink()
    with pytest.raises(
        EvaluateError, match="run 3 in .*model is gone or incomplete: .*run again with --no-cache, which makes it anew"
    ):
        load_run(home, 3)


class Length(torch.nn.Module):
    """Probabilities that depend on an example alone."""

    def forward(self, words: torch.Tensor) -> dict[str, torch.Tensor]:
        total = (words % 7).float().sum(1)
        return {"logits": torch.stack([total, -total, total / 2], dim=1) / 10}


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_the_order_of_answers_is_that_of_the_examples_for_every_batch_size(batch_size: int) -> None:
    examples = [{"words": list(range(number % 6 + 1))} for number in range(20)]
    found = predict_probabilities(Length(), examples, Collator(["words"], {}), batch_size)
    alone = [predict_probabilities(Length(), [example], Collator(["words"], {}), 1)[0] for example in examples]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, alone, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_means_come_in_order_of_an_ids_first_example() -> None:
    guids, means = mean_by_id(["b", "a", "b"], np.array([[1, 0], [0.5, 0.5], [0, 1]], dtype=np.float32))
    assert guids == ["b", "a"]
    assert means.tolist() == [[0.5, 0.5], [0.5, 0.5]]
