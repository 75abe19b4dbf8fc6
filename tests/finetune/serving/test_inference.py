import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from finetune.errors import FinetuneError, ServeError
from finetune.serving.answers import Answer
from finetune.serving.archive import unpack
from finetune.serving.inference import input_fn, model_fn, output_fn, predict_fn
from finetune.serving.model import PackagedModel
from finetune.serving.package import Package
from finetune.serving.refused import Rejected, RequestError

APPLE = {"text.json": b'{"text": "apple"}'}


@pytest.fixture
def folder(package: Package, tmp_path: Path) -> Path:
    unpack(package.path, tmp_path)
    return tmp_path


def rewrite(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


AS_A_CONTAINER = """
import runpy, sys
entry = runpy.run_path(sys.argv[1] + "/code/inference.py")
model = entry["model_fn"](sys.argv[1])
data = entry["input_fn"]('{"text.json": {"text": "apple"}}', "application/json")
print(entry["output_fn"](entry["predict_fn"](data, model), "application/json"))
print(sys.modules["finetune"].__file__, file=sys.stderr)
"""


def test_hugging_faces_containers_find_all_that_they_call_in_the_package(folder: Path) -> None:
    """In a process that knows nothing of the project."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-P", "-c", AS_A_CONTAINER, str(folder)]
    done = subprocess.run(command, env=clean, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["predictions"][0].keys() == {"label", "probabilities"}
    assert done.stderr.splitlines()[-1] == str(folder / "code" / "finetune" / "__init__.py")


def test_a_model_that_answers_its_golden_requests_differently_is_not_served(folder: Path) -> None:
    golden = folder / "code" / "golden.json"
    requests = json.loads(golden.read_text())
    requests[1]["probabilities"]["pear"] += 0.001
    golden.write_text(json.dumps(requests))
    rewrite(folder / "code" / "package.json", versions={"torch": "1.0.0", "no-such-package": "3.0"})
    with pytest.raises(ServeError) as caught:
        model_fn(folder)
    said = str(caught.value)
    assert "golden request 1: pear: 0." in said and "golden request 0" not in said
    assert "torch: 2." in said and "here, packed with 1.0.0" in said
    assert "no-such-package: not installed here, packed with 3.0" in said


@pytest.mark.parametrize("gone", ["model.safetensors", "finetune.json", "code/package.json", "code/golden.json"])
def test_a_package_that_lacks_a_file_is_told(folder: Path, gone: str) -> None:
    (folder / gone).unlink()
    with pytest.raises(FinetuneError, match=Path(gone).name):
        model_fn(folder)


def test_too_many_instances_and_unknown_forms_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINETUNE_REQUEST_INSTANCES", "2")
    model, body = model_fn(folder), json.dumps([{"text.json": {"text": "x"}}] * 3)
    with pytest.raises(RequestError, match="a request may have 2 instances, but got 3") as caught:
        predict_fn(input_fn(body, "application/json"), model)
    assert caught.value.status == 413
    monkeypatch.delenv("FINETUNE_REQUEST_INSTANCES")
    answers = predict_fn(input_fn(body, "application/json"), model)
    with pytest.raises(RequestError, match="Accept"):
        output_fn(answers, "image/png")


def replaced(model: PackagedModel, logits: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the model give these logits for a batch of word ids."""
    forward = lambda input_ids: {"loss": None, "logits": logits(input_ids)}  # noqa: E731
    monkeypatch.setattr(model._predictor._model, "forward", forward)


def asked(model: PackagedModel, *texts: str) -> list[Answer]:
    return model.answer([{"text.json": json.dumps({"text": text}).encode()} for text in texts])


def test_a_model_that_fails_on_one_instance_answers_the_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = PackagedModel(folder)
    usual = model._predictor._model.forward

    def fails(words: torch.Tensor) -> torch.Tensor:
        if words.shape[1] > 3:
            raise IndexError("index out of range\nin self")
        return usual(words)["logits"]

    good = asked(model, "a", "b c")
    replaced(model, fails, monkeypatch)
    first, bad, last = asked(model, "a", "one two three four", "b c")
    assert [first, last] == [pytest.approx(each, abs=1e-6) for each in good]
    assert bad == Rejected("the model fails on this instance: IndexError: index out of range in self")


def test_probabilities_that_are_no_numbers_are_no_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = PackagedModel(folder)
    replaced(model, lambda words: torch.full((len(words), 3), torch.nan), monkeypatch)
    assert asked(model, "a") == [Rejected("the model gives no probabilities for this instance: they are not numbers")]


def test_instances_that_are_rejected_already_stay_in_their_places(folder: Path) -> None:
    model, no = PackagedModel(folder), Rejected("line 1: no")
    answers = model.answer([no, APPLE, no])
    assert answers[0] is no and answers[2] is no and isinstance(answers[1], dict)
    assert model.answer([]) == []
