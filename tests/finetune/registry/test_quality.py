import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, fbeta_score, precision_score, recall_score

from finetune.registry.quality import constant, multiclass_quality

SCORES = ("accuracy", "weighted_recall", "weighted_precision", "weighted_f0_5", "weighted_f1", "weighted_f2")
CONFUSION = np.array([[80, 15, 5], [10, 90, 20], [0, 0, 0]])


def rows(confusion: np.ndarray) -> tuple[list[int], list[int]]:
    cells = [(true, answer) for true, row in enumerate(confusion) for answer, n in enumerate(row) for _ in range(n)]
    return [true for true, _ in cells], [answer for _, answer in cells]


@pytest.mark.parametrize(("confusion", "suffix"), [(CONFUSION, ""), (constant(CONFUSION), "_best_constant_classifier")])
def test_all_twelve_scores_are_scikit_learns(confusion: np.ndarray, suffix: str) -> None:
    found = multiclass_quality(CONFUSION)["multiclass_classification_metrics"]
    true, answers = rows(confusion)
    weighted = {"average": "weighted", "zero_division": 0}
    expected = {
        "accuracy": accuracy_score(true, answers),
        "weighted_recall": recall_score(true, answers, **weighted),
        "weighted_precision": precision_score(true, answers, **weighted),
        **{
            f"weighted_f{name}": fbeta_score(true, answers, beta=beta, **weighted)
            for name, beta in (("0_5", 0.5), ("1", 1), ("2", 2))
        },
    }
    assert {name: found[f"{name}{suffix}"]["value"] for name in SCORES} == pytest.approx(expected)


def test_the_form_is_that_of_aws_and_plain_json() -> None:
    found = multiclass_quality(CONFUSION)
    assert found.keys() == {"multiclass_classification_metrics"}
    of = found["multiclass_classification_metrics"]
    assert of.keys() == {"confusion_matrix", *SCORES, *(f"{name}_best_constant_classifier" for name in SCORES)}
    assert of["confusion_matrix"]["0"] == {"0": 80, "1": 15, "2": 5}
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert 0 < of["accuracy"]["standard_deviation"] < 0.05
    assert of["accuracy"] == multiclass_quality(CONFUSION)["multiclass_classification_metrics"]["accuracy"]


def test_fewer_than_200_examples_have_no_standard_deviation() -> None:
    of = multiclass_quality(np.array([[90, 9], [0, 100]]))["multiclass_classification_metrics"]
    assert {of[name]["standard_deviation"] for name in SCORES} == {"NaN"}
