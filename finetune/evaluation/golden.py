"""Golden requests: a few real ids with the probabilities that evaluation found for them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from finetune.errors import FinetuneError, RegistryError
from finetune.evaluation.predict import Predictor
from finetune.experiment import Home

COUNT = 5


def golden_requests(
    home: Home, model: Path, predictions: Path, *, produced: Sequence[str], at_home: Sequence[str]
) -> list[dict[str, Any]]:
    """Requests as a server gets them: the content of an id's files, and the probability of each label.

    Of each id they hold the files that production has, or, where encode_data cannot do with these, all files at home.

    Args:
        home: The experiment's home.
        model: The model's folder.
        predictions: Parquet file with what it answered on the test split.
        produced: Names of the files that came from production.
        at_home: Names of all files of an id at home.

    Raises:
        RegistryError: A file is no text.
        FinetuneError: The model does not answer.
    """
    rows = _one_of_each_label(predictions)
    guids = [row["guid"] for row in rows]
    with home.storage.at_hand(str(home.reconciled), guids, at_home) as folder:
        predictor = Predictor(model)
        few = [name for name in produced if name in at_home] or list(at_home)
        first = {name: str(Path(folder, guids[0], name)) for name in few}
        try:
            predictor.predict([first])
        except FinetuneError:
            few = list(at_home)
            predictor.predict([{name: str(Path(folder, guids[0], name)) for name in few}])
        return [
            {
                "instance": {name: _text(Path(folder, row["guid"], name)) for name in few},
                "probabilities": {label: row[f"probability_{label}"] for label in predictor.facts.labels},
            }
            for row in rows
        ]


def _one_of_each_label(predictions: Path) -> list[dict[str, Any]]:
    """The first ids of the test split, one of each label."""
    rows = pq.read_table(predictions).to_pylist()
    firsts = {row["label"]: row for row in reversed(rows)}
    return sorted(firsts.values(), key=lambda row: str(row["guid"]))[:COUNT]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RegistryError(
            f"{path.parent.name}/{path.name} is no text in UTF-8 ({error.reason}), and requests hold texts; let "
            "process_func write what encode_data reads as text"
        ) from error
