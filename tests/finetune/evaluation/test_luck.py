import numpy as np
import pytest
from scipy.stats import binomtest

from finetune.comparison.answers import Answers
from finetune.evaluation.luck import MODEL, luck, most_wrong

LABELS = ["apple", "bean"]


def answers(ids: int, model: float, baseline: float) -> Answers:
    """Of a model and a baseline that are right on these shares of the ids, the baseline on the first of them."""
    references = np.arange(ids) % 2
    shares = {MODEL: model, "tfidf": baseline}
    right = {name: np.arange(ids) < round(share * ids) for name, share in shares.items()}
    found = {name: np.eye(2)[np.where(each, references, 1 - references)] for name, each in right.items()}
    return Answers([str(number) for number in range(ids)], LABELS, references, found, left_out=0)


def test_more_test_ids_narrow_the_interval_around_the_score() -> None:
    wide, narrow = (luck(answers(ids, 0.9, 0.5), None).intervals["macro_f1"] for ids in (20, 2000))
    assert wide.lower < narrow.lower < 0.9 < narrow.upper < wide.upper


def test_the_distance_to_a_baseline_is_drawn_in_pairs() -> None:
    found = luck(answers(400, 0.9, 0.85), None)
    lower, upper = found.margins["tfidf"]["accuracy"]
    own = found.intervals["accuracy"]
    assert 0 < lower < 0.05 < upper and upper - lower < own.upper - own.lower


def test_a_distance_on_few_ids_may_be_luck() -> None:
    lower, upper = luck(answers(20, 0.9, 0.85), None).margins["tfidf"]["accuracy"]
    assert lower <= 0 < upper


def test_equal_answers_have_equal_intervals() -> None:
    assert luck(answers(50, 0.8, 0.7), None) == luck(answers(50, 0.8, 0.7), None)


def test_what_the_experiments_function_cannot_compute_has_no_interval() -> None:
    def compute_metrics(probabilities: object, references: object, labels: list[str]) -> dict[str, float]:
        return {"one": 1.0, "none": float("nan")}

    found = luck(answers(10, 0.9, 0.5), compute_metrics)
    assert found.intervals == {"one": (1, 1)} and found.margins == {"tfidf": {"one": (0, 0)}}


@pytest.mark.parametrize("count", [1, 40, 3000])
def test_the_bound_without_a_mistake_is_the_exact_one(count: int) -> None:
    exact = binomtest(0, count, alternative="less").proportion_ci(0.95, method="exact")
    assert most_wrong(count) == pytest.approx(exact.high)
