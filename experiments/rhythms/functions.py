"""The five functions of EXP-4002: which rhythm did the generator draw for a record? Boosted trees on its features."""

import json
import math
from pathlib import Path
from typing import Any

from datasets import Features, List, Value

from experiments.license_mentions.functions import process_func as process_func
from experiments.rhythms.trees import BoostedTrees


def get_dataset_features(num_labels: int) -> Features:
    """The numbers of one record, and the class id."""
    return Features({"features": List(Value("float32")), "labels": Value("int64")})


def encode_data(
    instance: dict[str, str], label2id: dict[str, int] | None, model: dict[str, Any]
) -> dict[str, Any] | None:
    """The features that the config names, in its order; a missing one is NaN, which trees know how to handle.

    A record of a sensor that measured nothing is dropped.
    """
    record = json.loads(Path(instance["features.json"]).read_text(encoding="utf-8"))
    values = [math.nan if record[name] is None else record[name] for name in model["features"]]
    if all(map(math.isnan, values)):
        return None
    example: dict[str, Any] = {"features": values}
    if label2id is not None:
        label = json.loads(Path(instance["ground_truth_label.json"]).read_text(encoding="utf-8"))["label"]
        example["labels"] = label2id[label]
    return example


def get_model(model: dict[str, Any], labels: list[str]) -> BoostedTrees:
    """Trees that are fitted at once."""
    return BoostedTrees(len(labels), trees=model["trees"], leaves=model["leaves"], least=model["least"])
