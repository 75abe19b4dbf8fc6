import numpy as np

from finetune.evaluation.confusion import confusion_matrix


def test_rows_are_true_and_columns_predicted() -> None:
    probabilities = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.4, 0.6, 0]])
    assert confusion_matrix(probabilities, np.array([0, 0, 1]), 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
