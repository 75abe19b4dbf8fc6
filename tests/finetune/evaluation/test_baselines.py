import numpy as np
import pytest

from finetune.errors import EvaluateError
from finetune.evaluation.baselines import GRID, TfidfBaseline, majority, tfidf

TEXTS = ["licensed under the mit license", "see the license file", "mit license applies", "the file is here"] * 5
REFERENCES = np.array([2, 0, 2, 0] * 5)


def fit(num_labels: int = 4) -> TfidfBaseline:
    test = ["mit license", "the file"]
    return tfidf(TEXTS, REFERENCES, TEXTS[:4], REFERENCES[:4], test, num_labels=num_labels)


def test_majority_answers_the_most_frequent_label_everywhere() -> None:
    found = majority(np.array([1, 1, 2]), rows=2, num_labels=4)
    np.testing.assert_allclose(found, [[0, 2 / 3, 1 / 3, 0]] * 2, rtol=1e-6)
    assert found.dtype == np.float32


def test_majority_of_a_tie_is_the_smaller_id() -> None:
    assert majority(np.array([2, 1, 1, 2, 0]), rows=1, num_labels=3).argmax() == 1


def test_tfidf_tells_texts_apart_and_keeps_the_column_of_an_absent_label() -> None:
    found = fit()
    assert found.probabilities.shape == (2, 4)
    assert found.probabilities.dtype == np.float32
    assert found.probabilities.argmax(axis=1).tolist() == [2, 0]
    assert found.probabilities[:, [1, 3]].tolist() == [[0, 0], [0, 0]]
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_a_tie_on_validation_goes_to_the_strongest_regularisation() -> None:
    assert fit().c == GRID[0]


def test_tfidf_repeats_exactly() -> None:
    assert fit().probabilities.tobytes() == fit().probabilities.tobytes()


def test_train_texts_without_words_name_the_key() -> None:
    with pytest.raises(EvaluateError, match=r"evaluate\.baseline_text"):
        tfidf(["", "-"], np.array([0, 1]), ["a"], np.array([0]), ["a"], num_labels=2)


def test_a_single_train_label_is_refused() -> None:
    with pytest.raises(EvaluateError, match="at least 2 labels"):
        tfidf(["a b", "c d"], np.array([1, 1]), ["a"], np.array([0]), ["a"], num_labels=2)
