import hashlib
import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Features, List, Value

from finetune.errors import FinetuneError, FunctionsError, PrepareError, ReconcileError, TrainError
from finetune.functions import Functions
from finetune.training.trial import ModelTried, Tried, try_functions
from tests.finetune.training.conftest import Bag

ROWS = [{"guid": f"id{number}", "label": "high" if number % 2 else "low"} for number in range(8)]

Try = Callable[..., Tried]


def process_func(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
    Path(home, "label.txt").write_text(row["label"])


def encode_data(instance: dict[str, str], label2id: dict[str, int], model: dict[str, Any]) -> Any:
    words = [int(word) for word in Path(instance["words.txt"]).read_text().split()]
    return {"words": words, "labels": label2id[Path(instance["label.txt"]).read_text()]}


def get_dataset_features(num_labels: int) -> Features:
    return Features({"words": List(Value("int32")), "labels": Value("int64")})


GOOD = Functions(get_dataset_features, encode_data, lambda model, labels: Bag(len(labels)), process_func)


@pytest.fixture
def production(tmp_path: Path) -> Path:
    for row in ROWS:
        (tmp_path / "production" / row["guid"]).mkdir(parents=True)
        (tmp_path / "production" / row["guid"] / "words.txt").write_text("3 4 5")
    return tmp_path / "production"


@pytest.fixture
def attempt(production: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Try:
    """Tries functions, and checks that nothing is left behind and production is as it was, however it ends."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))

    def attempt(rows: Any = ROWS, best_metric: str = "macro_f1", **changes: Any) -> Tried:
        before = state(production)
        settings: dict[str, Any] = {
            "production": production,
            "files_from_production": ["words.txt"],
            "files_at_home": ["words.txt", "label.txt"],
            "ignored_labels": [],
            "num_labels_threshold": 1,
        }
        model = ModelTried(changes.pop("model", {}), changes.pop("padding", {}), best_metric, changes.pop("first", ()))
        settings["gate"] = changes.pop("gate", ())
        settings.update({name: changes.pop(name) for name in list(changes) if name in settings})
        try:
            return try_functions(replace(GOOD, **changes), rows, models={"model": model}, **settings)
        finally:
            assert list((tmp_path / "tmp").iterdir()) == []
            assert state(production) == before

    return attempt


def state(folder: Path) -> list[tuple[str, int, str]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [(str(path), path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]


def test_good_functions_are_tried_on_four_ids(attempt: Try) -> None:
    assert attempt()[:2] == (4, 4)


def test_every_label_is_tried_before_a_second_id_of_one(attempt: Try) -> None:
    seen = []

    def process(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
        seen.append((row["label"], overwrite, sorted(files)))
        process_func(row, files, home, overwrite)

    attempt(sorted(ROWS, key=lambda row: row["label"]), process_func=process)
    assert [label for label, _, _ in seen] == ["high", "low", "high", "high"]
    assert seen[0][1:] == (True, ["words.txt"])


def test_rows_without_label_files_or_safe_guid_and_ignored_labels_are_passed_over(attempt: Try) -> None:
    rows = [
        {"guid": "id0", "label": None},
        {"guid": "gone", "label": "low"},
        {"guid": "../production/id1", "label": "low"},
    ]
    assert attempt([*rows, *ROWS[:2]]).ids == 2
    mid = [{"guid": "id0", "label": "mid"}, *ROWS[1:]]
    assert attempt(mid, ignored_labels=["mid"]).ids == 4


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ignored_labels": ["low"]}, r"at least 2 labels must remain, but got 1 .*'low' is in prepare.ignored_labels"),
        ({"ignored_labels": ["low", "high"]}, "at least 2 labels must remain, but got 0"),
        ({"num_labels_threshold": 5}, "but got 0 .*'low' is below prepare.num_labels_threshold 5"),
        ({"ignored_labels": ["lo"]}, "a label that occurs, but got 'lo'; did you mean 'low'"),
    ],
)
def test_settings_that_leave_fewer_than_two_labels_are_refused(
    attempt: Try, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(PrepareError, match=words):
        attempt(**settings)


def test_labels_are_counted_beyond_the_rows_that_ids_are_taken_from(attempt: Try) -> None:
    assert attempt(num_labels_threshold=4).ids == 4
    few = [{"guid": "id0", "label": "low"}, {"guid": "id1", "label": "high"}]
    many = [{"guid": f"gone{number}", "label": few[number % 2]["label"]} for number in range(50_000)]
    assert attempt([*few, *many], num_labels_threshold=25_001).ids == 2


def test_no_id_with_a_label_and_files_says_where_to_look(attempt: Try) -> None:
    with pytest.raises(ReconcileError, match="none of 8 labelled ids has other.txt in .*production") as caught:
        attempt(files_from_production=["other.txt"])
    assert re.search(r"\(looked for .*/production/id\w*/other.txt\); check production.labels", str(caught.value))


@pytest.mark.parametrize("rows", [[], [{"guid": "id0", "label": " "}]])
def test_labels_without_a_row_are_told_before_settings_that_name_labels(attempt: Try, rows: Any) -> None:
    with pytest.raises(ReconcileError, match="production.labels: returned no row with a label; check the query or fi"):
        attempt(rows=rows, ignored_labels=["high"])


def test_a_folder_of_production_that_is_not_there_is_named(attempt: Try, tmp_path: Path) -> None:
    with pytest.raises(ReconcileError, match=f"production.files: the folder {tmp_path}/gone does not exist"):
        attempt(production=tmp_path / "gone")


def test_without_process_func_a_missing_file_at_home_is_told(attempt: Try) -> None:
    with pytest.raises(FunctionsError, match="there is no process_func to write label.txt for id id0"):
        attempt(process_func=None)


def test_ids_that_are_all_dropped_still_try_get_model(attempt: Try) -> None:
    assert attempt(encode_data=lambda instance, label2id, model: None)[:2] == (4, 0)
    with pytest.raises(FunctionsError, match="get_model must return"):
        attempt(encode_data=lambda instance, label2id, model: None, get_model=lambda model, labels: 3)


def test_an_encoding_that_raises_names_the_file_in_production(attempt: Try, production: Path) -> None:
    (production / "id1" / "words.txt").write_text("three")
    with pytest.raises(PrepareError, match=f"ValueError: .*'three' for id id1 with {production}/id1/words.txt"):
        attempt()


def features(change: dict[str, Any]) -> Callable[[int], Features]:
    return lambda num_labels: Features({**get_dataset_features(num_labels), **change})


class Returning(Bag):
    """A bag whose forward returns something else."""

    def __init__(self, change: Callable[[dict[str, Any]], Any]) -> None:
        super().__init__()
        self.change = change

    def forward(self, words: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        return self.change(super().forward(words, labels))


class OtherNames(Bag):
    def forward(self, tokens: torch.Tensor, labels: torch.Tensor | None = None) -> Any:
        return super().forward(tokens, labels)


class NeedsLabels(Bag):
    def forward(self, words: torch.Tensor, labels: torch.Tensor) -> Any:
        return super().forward(words, labels)


def model(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    return {"get_model": lambda model, labels: Returning(change)}


def metrics(value: Any) -> dict[str, Any]:
    return {"compute_metrics": lambda predictions, references, labels: value}


def raising(*arguments: Any, **settings: Any) -> Any:
    raise KeyError("broken")


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"process_func": raising}, FunctionsError, "process_func for id id0 raised KeyError: 'broken'"),
        (
            {"process_func": lambda row, files, home, overwrite: None},
            FunctionsError,
            "process_func did not write label.txt",
        ),
        ({"get_dataset_features": raising}, FunctionsError, "get_dataset_features raised KeyError"),
        ({"get_dataset_features": lambda n: {"labels": 1}}, FunctionsError, "must return datasets.Features .* labels"),
        ({"get_dataset_features": lambda n: Features({})}, FunctionsError, "with an entry labels"),
        ({"get_dataset_features": features({"guid": Value("string")})}, FunctionsError, "leave the names guid to"),
        ({"get_dataset_features": features({"mask": Value("int8")})}, PrepareError, "for id id0 missing: mask"),
        ({"get_dataset_features": features({"words": Value("int8")})}, PrepareError, "value of words must fit"),
        ({"get_dataset_features": features({"words": List(Value("string"))})}, TrainError, "feature words"),
        ({"encode_data": raising}, PrepareError, "encode_data raised KeyError: 'broken' for id id0 with"),
        ({"encode_data": lambda *arguments: "text"}, PrepareError, "must return a dict of features"),
        ({"get_model": raising}, FunctionsError, "get_model raised KeyError"),
        ({"get_model": lambda model, labels: dict}, FunctionsError, "must return a torch.nn.Module, but got type"),
        (model(raising), FunctionsError, "the model's forward raised KeyError"),
        (model(lambda out: {"logits": out["logits"]}), FunctionsError, r"loss and logits, but got \['logits'\]"),
        (model(lambda out: {**out, "loss": None}), FunctionsError, "must return a dict with loss and logits"),
        (model(lambda out: out["logits"]), FunctionsError, "with loss and logits, but got Tensor"),
        (model(lambda out: (out["loss"], out["logits"])), FunctionsError, "with loss and logits, but got tuple"),
        (model(lambda out: {**out, "logits": out["logits"][:, :1]}), FunctionsError, r"\(4, 2\), but got \(4, 1\)"),
        (model(lambda out: {**out, "logits": out["logits"].tolist()}), FunctionsError, r"\(4, 2\), but got list"),
        (model(lambda out: {**out, "loss": out["loss"].detach()}), FunctionsError, "one number with a gradient"),
        (model(lambda out: {**out, "loss": out["logits"]}), FunctionsError, "one number with a gradient"),
        (model(lambda out: {**out, "loss": 0.5}), FunctionsError, "one number with a gradient"),
        (
            {"get_model": lambda m, labels: OtherNames()},
            FunctionsError,
            "forward gets the features of get_dataset_features by these names: words, labels; but .*'tokens'",
        ),
        (
            {"get_model": lambda m, labels: NeedsLabels()},
            FunctionsError,
            "forward without labels, as prediction .*'labels'",
        ),
        (metrics(0.5), FunctionsError, "compute_metrics must return a dict of floats, but got 0.5"),
        (metrics({"macro_f1": "good"}), FunctionsError, "dict of floats, but got {'macro_f1': 'good'}"),
        (metrics({"f1": 0.5}), FunctionsError, r"train.best_metric: .*returns \(f1\), but got 'macro_f1'"),
        ({"compute_metrics": raising}, FunctionsError, "compute_metrics raised KeyError"),
        ({"best_metric": "f1"}, FunctionsError, r"train.best_metric: .*\(accuracy, macro_f1, .*, but got 'f1'"),
    ],
)
def test_a_broken_contract_names_the_function_and_the_rule(
    attempt: Try, changes: dict[str, Any], kind: type[FinetuneError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        attempt(**changes)


def test_compute_metrics_gets_probabilities_class_ids_and_labels(attempt: Try) -> None:
    def compute_metrics(predictions: Any, references: Any, labels: list[str]) -> dict[str, float]:
        assert predictions.shape == (4, 2) and predictions.dtype == "float32"
        assert predictions.sum(axis=1) == pytest.approx(1)
        assert references.tolist() == [1, 0, 1, 0]  # id0 low, id1 high, then the rest in order
        assert labels == ["high", "low"]
        return {"loss_of_all": 1}

    attempt(compute_metrics=compute_metrics, best_metric="loss_of_all")


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ({"gate": ["macro_f1", "auc"]}, r"register.gate: names auc, which nobody computes; known are accuracy, "),
        ({"gate": ["loss"]}, "register.gate: names loss"),
        ({"first": ["auc"]}, r"train.gate: names auc, which nobody computes; known are loss, accuracy, "),
    ],
)
def test_a_gate_on_a_metric_that_nobody_computes_is_refused(attempt: Try, gates: Any, message: str) -> None:
    with pytest.raises(FunctionsError, match=message):
        attempt(**gates)


def test_a_gate_may_name_what_is_computed_and_that_of_training_the_loss(attempt: Try) -> None:
    attempt(gate=["macro_f1"], first=["loss", "accuracy"])


def test_what_encode_data_reads_of_each_model_is_noted_and_errors_name_the_model(production: Path) -> None:
    def dispatching(instance: dict[str, str], label2id: dict[str, int], model: dict[str, Any]) -> Any:
        if model.get("kind") == "long":
            model["width"]
        return encode_data(instance, label2id, model)

    def attempt(*sections: dict[str, Any]) -> Tried:
        models = {f"m{number}": ModelTried(each, {}, "macro_f1") for number, each in enumerate(sections)}
        return try_functions(
            replace(GOOD, encode_data=dispatching),
            ROWS,
            production=production,
            files_from_production=["words.txt"],
            files_at_home=["words.txt", "label.txt"],
            ignored_labels=[],
            num_labels_threshold=1,
            models=models,
        )

    assert attempt({"kind": "long", "width": 8}, {"width": 8}).reads == {"m0": {"kind", "width"}, "m1": {"kind"}}
    with pytest.raises(PrepareError, match="^models.m1: .*KeyError: 'width'"):
        attempt({}, {"kind": "long"})
