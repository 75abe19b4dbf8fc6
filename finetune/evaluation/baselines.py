"""What a fine-tuned model must beat: the most frequent label, and TF-IDF with logistic regression."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from threadpoolctl import threadpool_limits

from finetune.errors import EvaluateError

GRID = (0.1, 1.0, 10.0, 100.0)
ITERATIONS = 1000


@dataclass(frozen=True)
class TfidfBaseline:
    """The text baseline's answer on the test split."""

    probabilities: NDArray[np.float32]
    """Shape (n, num_labels); the column of a label without training example is 0."""
    c: float
    """Inverse regularisation strength that was best on validation."""
    validation_macro_f1: float


def majority(train_references: NDArray[np.integer], rows: int, num_labels: int) -> NDArray[np.float32]:
    """Answer every example with the labels' shares in the train split.

    The largest share is the prediction, so this always answers the most frequent label (a tie: the smaller id).

    Args:
        train_references: Class ids of the train split, shape (m,), m at least 1.
        rows: Number of examples to answer.
        num_labels: Number of classes.

    Returns:
        Probabilities, shape (rows, num_labels).
    """
    shares = np.bincount(train_references, minlength=num_labels) / len(train_references)
    return np.tile(shares.astype(np.float32), (rows, 1))


def tfidf(
    train_texts: Sequence[str],
    train_references: NDArray[np.integer],
    validation_texts: Sequence[str],
    validation_references: NDArray[np.integer],
    test_texts: Sequence[str],
    *,
    num_labels: int,
) -> TfidfBaseline:
    """Logistic regression on sublinear TF-IDF of words and word pairs.

    The inverse regularisation strength is the one of GRID with the best macro F1 on validation, a tie going to the
    smaller. The vocabulary comes from the train split alone. Equal inputs give equal probabilities.

    Args:
        train_texts: Texts to fit on, length m.
        train_references: Their class ids, shape (m,).
        validation_texts: Texts that choose the regularisation.
        validation_references: Their class ids.
        test_texts: Texts to answer, length n.
        num_labels: Number of classes; one that train lacks gets probability 0.

    Raises:
        EvaluateError: The train split has fewer than two labels, or no words.
    """
    if len(np.unique(train_references)) < 2:
        raise EvaluateError("the TF-IDF baseline needs at least 2 labels in the train split, but got 1")
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32)
    try:
        train = words.fit_transform(train_texts)
    except ValueError as error:
        raise EvaluateError(
            f"the TF-IDF baseline found no words in {len(train_texts)} train texts ({error}); name a file with text "
            "in evaluate.baseline_text, or remove the key"
        ) from error
    # Sparse products gain nothing from more threads; where cores are shared, waiting for them costs ten times over.
    with threadpool_limits(limits=1):
        models = [LogisticRegression(C=c, max_iter=ITERATIONS).fit(train, train_references) for c in GRID]
    validation = words.transform(validation_texts)
    scores = [_macro_f1(validation_references, model.predict(validation), num_labels) for model in models]
    best = int(np.argmax(scores))
    probabilities = _probabilities(models[best], words.transform(test_texts), num_labels)
    return TfidfBaseline(probabilities, c=GRID[best], validation_macro_f1=scores[best])


def _macro_f1(references: NDArray[np.integer], predicted: NDArray[np.integer], num_labels: int) -> float:
    return float(f1_score(references, predicted, labels=range(num_labels), average="macro", zero_division=0))


def _probabilities(model: LogisticRegression, rows: NDArray[np.float32], num_labels: int) -> NDArray[np.float32]:
    """Put the columns of the classes that the model saw where their ids say."""
    result = np.zeros((rows.shape[0], num_labels), dtype=np.float32)
    result[:, model.classes_] = model.predict_proba(rows)
    return result
