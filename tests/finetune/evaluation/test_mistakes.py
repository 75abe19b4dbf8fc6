import numpy as np

from finetune.evaluation.mistakes import Mistake, most_confident_mistakes

GUIDS = ["d", "c", "b", "a"]
PROBABILITIES = np.array([[0.75, 0.25], [0.875, 0.125], [0.75, 0.25], [0.5, 0.5]])


def test_the_surest_come_first_and_ties_go_by_guid() -> None:
    found = most_confident_mistakes(GUIDS, PROBABILITIES, np.array([1, 1, 1, 0]), ["no", "yes"], 10)
    assert found == [Mistake("c", "yes", "no", 0.875), Mistake("b", "yes", "no", 0.75), Mistake("d", "yes", "no", 0.75)]


def test_the_list_is_no_longer_than_asked() -> None:
    references = np.array([1, 1, 1, 0])
    assert len(most_confident_mistakes(GUIDS, PROBABILITIES, references, ["no", "yes"], 1)) == 1
    assert most_confident_mistakes(GUIDS, PROBABILITIES, references, ["no", "yes"], 0) == []


def test_a_perfect_model_has_none() -> None:
    assert most_confident_mistakes(GUIDS, PROBABILITIES, np.zeros(4, dtype=int), ["no", "yes"], 5) == []
