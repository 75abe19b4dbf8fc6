"""What each model answered on the test ids that all of them saw."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from finetune.errors import CompareError

Probabilities = NDArray[np.floating]
"""Shape (ids, labels)."""


@dataclass(frozen=True)
class Answers:
    """Rows of all models in one order."""

    guids: list[str]
    labels: list[str]
    """Names in order of class id."""
    references: NDArray[np.int64]
    """True class ids, shape (ids,)."""
    probabilities: Mapping[str, Probabilities]
    """By model, in the config's order."""
    left_out: int
    """Test ids that encode_data dropped for some model, but not for all."""

    def predicted(self, model: str) -> NDArray[np.int64]:
        """Class ids that a model answered, shape (ids,)."""
        found: NDArray[np.int64] = np.argmax(self.probabilities[model], axis=1)
        return found

    def right(self, model: str) -> NDArray[np.bool_]:
        """Where its answer is the label, shape (ids,)."""
        found: NDArray[np.bool_] = self.predicted(model) == self.references
        return found


def read_answers(files: Mapping[str, Path], labels: list[str]) -> Answers:
    """Reads the models' predictions, in order of guid.

    Args:
        files: Parquet file of each model, at least one: guid, label, and probability_<label> of each label.
        labels: Names in order of class id.

    Raises:
        CompareError: The models have other labels, an id has two labels, or no test id is in all files.
    """
    rows = {model: _rows(model, file, labels) for model, file in files.items()}
    known = [set(of) for of in rows.values()]
    common = sorted(set.intersection(*known))
    if not common:
        raise CompareError(f"the models {', '.join(files)} have no test id in common; see what encode_data drops")
    truth = {guid: label for of in rows.values() for guid, (label, _) in of.items()}
    for model, of in rows.items():
        wrong = next((guid for guid in common if of[guid][0] != truth[guid]), None)
        if wrong is not None:
            raise CompareError(f"models.{model}: id {wrong} has label {of[wrong][0]}, and {truth[wrong]} elsewhere")
    return Answers(
        guids=common,
        labels=labels,
        references=np.array([labels.index(truth[guid]) for guid in common]),
        probabilities={model: np.array([of[guid][1] for guid in common]) for model, of in rows.items()},
        left_out=len(set.union(*known)) - len(common),
    )


def _rows(model: str, file: Path, labels: list[str]) -> dict[str, tuple[str, list[float]]]:
    table = pq.read_table(file)
    columns = [f"probability_{label}" for label in labels]
    if table.column_names[3:] != columns:
        raise CompareError(
            f"models.{model}: its predictions have the columns {', '.join(table.column_names[3:])}, but the other "
            f"models have {', '.join(columns)}; models can be compared where their labels are the same"
        )
    found: dict[str, Any] = table.to_pydict()
    probabilities = zip(*(found[column] for column in columns), strict=True)
    return {
        guid: (label, list(row)) for guid, label, row in zip(found["guid"], found["label"], probabilities, strict=True)
    }
