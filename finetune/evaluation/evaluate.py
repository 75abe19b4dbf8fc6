"""Evaluates a trained model on the test split, beside two baselines on the same split."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from finetune.calls import call
from finetune.comparison.answers import Answers
from finetune.evaluation.calibration import Calibration, calibration
from finetune.evaluation.confusion import confusion_matrix
from finetune.evaluation.document import document_texts, excerpts
from finetune.evaluation.luck import MODEL, Intervals, Luck, luck
from finetune.evaluation.mistakes import Mistake, most_confident_mistakes
from finetune.evaluation.names import MAJORITY, TFIDF
from finetune.evaluation.predict import predict_split
from finetune.evaluation.scores import LabelScore, default_metrics, per_label_table
from finetune.functions import Functions
from finetune.prepare.columns import GUID, LABELS
from finetune.storage.uri import Place
from finetune.training.model_folder import load, read_facts


@dataclass(frozen=True)
class Evaluation:
    """How good a model is, and how good the baselines are, on the test split."""

    labels: list[str]
    metrics: dict[str, float]
    baselines: dict[str, dict[str, float]]
    """Metrics of `majority` and, where there is text, `tfidf`."""
    luck: Luck
    majority_label: str
    per_label: list[LabelScore]
    confusion: np.ndarray
    """Counts, shape (labels, labels): rows true, columns predicted."""
    calibration: Calibration
    mistakes: list[Mistake]
    predictions: Path
    """Parquet with a row per test id."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {
            "labels": self.labels,
            "metrics": self.metrics,
            "baselines": self.baselines,
            "intervals": _listed(self.luck.intervals),
            "margins": {baseline: _listed(of) for baseline, of in self.luck.margins.items()},
            "per_label": [asdict(score) for score in self.per_label],
            "confusion": self.confusion.tolist(),
            "calibration": asdict(self.calibration),
            "mistakes": [asdict(mistake) for mistake in self.mistakes],
        }


def evaluate(
    model_folder: Path,
    prepared: datasets.DatasetDict,
    *,
    reconciled: Place,
    functions: Functions,
    batch_size: int,
    baseline_text: str | None,
    mistakes: int,
    target: Path,
) -> Evaluation:
    """Predicts the test split and scores the predictions.

    Args:
        model_folder: The trained model.
        prepared: Splits train, validation and test.
        reconciled: The folder of all ids at home, where the TF-IDF baseline finds its texts.
        functions: The experiment's functions.
        batch_size: Examples a batch.
        baseline_text: File at home whose text the TF-IDF baseline reads; None leaves that baseline out.
        mistakes: Number of most confident mistakes to list.
        target: Parquet file for the predictions.

    Raises:
        EvaluateError: The model does not load, gives probabilities that are no numbers, or a text is unreadable.
        FunctionsError: get_model or compute_metrics raised.
    """
    facts = read_facts(model_folder)
    labels = facts.labels
    model = load(model_folder, facts, functions.get_model)
    guids, references, probabilities = predict_split(prepared["test"], model, facts, batch_size)
    write_predictions(target, guids, references, probabilities, labels)
    surest = most_confident_mistakes(guids, probabilities, references, labels, mistakes)
    answers = _baselines(prepared, reconciled, baseline_text, guids, len(labels))
    compared = Answers(guids, labels, references, {MODEL: probabilities, **answers}, left_out=0)
    texts = excerpts(reconciled, [mistake.guid for mistake in surest], baseline_text)
    return Evaluation(
        labels=labels,
        metrics=_score(functions, probabilities, references, labels),
        baselines={name: _score(functions, answer, references, labels) for name, answer in answers.items()},
        luck=luck(compared, functions.compute_metrics),
        majority_label=labels[int(answers[MAJORITY][0].argmax())],
        per_label=per_label_table(probabilities, references, labels),
        confusion=confusion_matrix(probabilities, references, len(labels)),
        calibration=calibration(probabilities, references),
        mistakes=[replace(mistake, excerpt=text) for mistake, text in zip(surest, texts, strict=True)],
        predictions=target,
    )


def _score(
    functions: Functions, probabilities: np.ndarray, references: np.ndarray, labels: list[str]
) -> dict[str, float]:
    compute_metrics = functions.compute_metrics or default_metrics
    metrics: Mapping[str, Any] = call("compute_metrics", compute_metrics, probabilities, references, labels)
    return {name: float(value) for name, value in metrics.items()}


def _listed(intervals: Intervals) -> dict[str, list[float]]:
    return {metric: list(ends) for metric, ends in intervals.items()}


def _label_of_each_id(split: datasets.Dataset) -> dict[str, int]:
    """Class id by guid: the baselines see an id once, however many examples it gave."""
    return dict(zip(split[GUID][:], split[LABELS][:], strict=True))


def _baselines(
    prepared: datasets.DatasetDict, reconciled: Place, text: str | None, test_guids: Sequence[str], num_labels: int
) -> dict[str, np.ndarray]:
    """Probabilities of each baseline for the test ids, shape (ids, labels)."""
    # scikit-learn takes a second to import, which a run whose evaluate comes from the cache does without
    from finetune.evaluation.baselines import majority

    train = np.array(list(_label_of_each_id(prepared["train"]).values()))
    answers: dict[str, np.ndarray] = {MAJORITY: majority(train, len(test_guids), num_labels)}
    if text is not None:
        answers[TFIDF] = _tfidf(prepared, reconciled, text, test_guids, num_labels)
    return answers


def _tfidf(
    prepared: datasets.DatasetDict, reconciled: Place, file: str, test_guids: Sequence[str], num_labels: int
) -> np.ndarray:
    from finetune.evaluation.baselines import tfidf

    texts, references = {}, {}
    for split in ("train", "validation"):
        part = _label_of_each_id(prepared[split])
        texts[split] = document_texts(reconciled, list(part), file)
        references[split] = np.array(list(part.values()))
    test_texts = document_texts(reconciled, test_guids, file)
    baseline = tfidf(
        texts["train"],
        references["train"],
        texts["validation"],
        references["validation"],
        test_texts,
        num_labels=num_labels,
    )
    return baseline.probabilities


def write_predictions(
    target: Path,
    guids: Sequence[str],
    references: np.ndarray,
    probabilities: np.ndarray,
    labels: Sequence[str],
) -> None:
    """Writes class ids (n,) and probabilities (n, labels) as a Parquet file with a row per id."""
    columns = {
        "guid": list(guids),
        "label": [labels[index] for index in references],
        "predicted": [labels[index] for index in probabilities.argmax(axis=1)],
        **{f"probability_{label}": pa.array(probabilities[:, index]) for index, label in enumerate(labels)},
    }
    pq.write_table(pa.table(columns), target)


def write_nothing(target: Path) -> Path:
    """Writes the predictions of a model that has none: the columns that all have, without a row; gives the file."""
    pq.write_table(pa.table({name: pa.array([], pa.string()) for name in ("guid", "label", "predicted")}), target)
    return target
