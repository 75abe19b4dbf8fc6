import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluation.confusion import confusion_matrix, macro_f1_interval


def test_rows_are_true_and_columns_predicted() -> None:
    probabilities = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.4, 0.6, 0]])
    assert confusion_matrix(probabilities, np.array([0, 0, 1]), 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=3, max_size=3))
def test_an_interval_is_ordered_within_0_and_1_and_repeats(rows: list[list[int]]) -> None:
    matrix = np.array(rows)
    matrix[0, 0] += 1
    lower, upper = macro_f1_interval(matrix)
    assert 0 <= lower <= upper <= 1
    assert macro_f1_interval(matrix) == (lower, upper)


def test_more_test_ids_narrow_the_interval_around_the_score() -> None:
    small, large = np.array([[9, 1], [1, 9]]), np.array([[900, 100], [100, 900]])
    wide, narrow = macro_f1_interval(small), macro_f1_interval(large)
    assert wide[0] < narrow[0] < 0.9 < narrow[1] < wide[1]


def test_a_perfect_model_has_no_spread() -> None:
    assert macro_f1_interval(np.diag([30, 30])) == (1, 1)
