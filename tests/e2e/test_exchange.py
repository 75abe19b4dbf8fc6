"""One switch: what prepare made reaches train directly, or through a feature group, fetched by the group's name."""

import pytest

from finetune.feature_store.embedded import EmbeddedStore
from tests.e2e.workbench import UNCHECKED, Ended, Workbench

FUNCTIONS = """
import json
from pathlib import Path

import torch
from datasets import Features, Value


def process_func(row, files, home, overwrite):
    Path(home, "label.json").write_text(json.dumps({"label": row["label"]}))


def get_dataset_features(num_labels):
    return Features({"first": Value("int64"), "share": Value("float32"), "labels": Value("int64")})


def encode_data(instance, label2id, model):
    text = json.loads(Path(instance["text.json"]).read_text())["text"]
    example = {"first": len(text.split()[0]), "share": text.count("p") / len(text)}
    if label2id is not None:
        example["labels"] = label2id[json.loads(Path(instance["label.json"]).read_text())["label"]]
    return example


def get_model(model, labels):
    return Scores(len(labels))


class Scores(torch.nn.Module):
    def __init__(self, labels):
        super().__init__()
        self.head = torch.nn.Linear(2, labels)

    def forward(self, first, share, labels=None):
        logits = self.head(torch.stack([first.float(), share], dim=1))
        loss = None if labels is None else torch.nn.functional.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}
"""
BY_NAME = {
    "exchange": "by_name",
    "group": {
        "name": "numbers",
        "record_identifier": "guid",
        "event_time": "seen_at",
        "features": {"first": "integral", "share": "fractional", "labels": "integral"},
    },
}


@pytest.fixture(scope="module")
def bench(shared: Workbench) -> Workbench:
    shared.functions.write_text(FUNCTIONS, encoding="utf-8")
    query = "SELECT guid, label, '2026-01-0' || (length(label)) AS seen_at FROM rules"
    shared.config["production"]["labels"]["query"] = query
    shared.config["checks"] = UNCHECKED
    shared.config["model"] = {}
    shared.write_config()
    return shared


@pytest.fixture(scope="module")
def ran(bench: Workbench) -> dict[str, Ended]:
    """Run 1 hands the dataset on directly; run 2 by name."""
    direct = bench.warm_run()
    bench.config["features"] = BY_NAME
    bench.write_config()
    return {"direct": direct, "by name": bench.warm_run()}


def test_what_is_fetched_by_name_is_what_was_prepared(bench: Workbench, ran: dict[str, Ended]) -> None:
    assert [ended.code for ended in ran.values()] == [0, 0], ran["by name"].said
    assert "train cached, evaluate cached" in ran["by name"].out  # by content: the dataset is the same to the last bit
    direct, by_name = bench.record(1), bench.record(2)
    assert direct["metrics"] == by_name["metrics"] and {"ingest", "fetch"} <= by_name["seconds"].keys()


def test_the_group_has_a_record_for_each_id_as_of_its_time(bench: Workbench, ran: dict[str, Ended]) -> None:
    assert "36 records stored, 0 were there already" in ran["by name"].said
    group, counts = EmbeddedStore(bench.home.parent / "feature_store").describe("numbers")
    assert list(group.features) == ["first", "share", "labels"]
    assert (counts.records, counts.history, counts.newest_event) == (36, 36, "2026-01-05T00:00:00.000Z")


def test_another_schema_and_a_missing_feature_are_refused_before_anything_runs(
    bench: Workbench, ran: dict[str, Ended]
) -> None:
    other = bench.warm_run("--set", "features.group.features.first=fractional")
    assert other.code == 2
    assert (
        "the group numbers is there with another schema: feature first is Integral there, but Fractional" in other.said
    )
    bench.config["features"] = {**BY_NAME, "group": {**BY_NAME["group"], "features": {"first": "integral"}}}
    bench.write_config()
    fewer = bench.warm_run()
    assert fewer.code == 2 and "must name all features of the dataset, but share, labels is missing" in fewer.said
    assert bench.run_numbers() == [1, 2]
