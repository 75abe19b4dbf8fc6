import numpy as np
import pytest

from finetune.comparison.answers import Answers
from finetune.comparison.bootstrap import CALLS, DRAWS, draw, interval
from finetune.comparison.scores import scores_of
from finetune.evaluation.confusion import confusion_matrix
from finetune.evaluation.scores import default_metrics
from tests.finetune.comparison.conftest import make_answers


def test_scores_of_a_matrix_are_the_default_metrics(answers: Answers) -> None:
    for model, probabilities in answers.probabilities.items():
        matrix = confusion_matrix(probabilities, answers.references, len(answers.labels))
        found = {name: float(value[0]) for name, value in scores_of(matrix[None], answers.labels).items()}
        assert found == pytest.approx(default_metrics(probabilities, answers.references, answers.labels)), model


def test_the_interval_of_accuracy_is_that_of_a_share() -> None:
    answers = make_answers(ids=400, model=0.8)
    accuracy = float(answers.right("model").mean())
    found = interval(draw(answers, None)["model"]["accuracy"])
    wide = 1.96 * (accuracy * (1 - accuracy) / 400) ** 0.5
    assert found is not None
    assert found.lower == pytest.approx(accuracy - wide, abs=0.01)
    assert found.upper == pytest.approx(accuracy + wide, abs=0.01)


def test_models_are_drawn_in_pairs(answers: Answers) -> None:
    twice = Answers(
        answers.guids, answers.labels, answers.references, dict.fromkeys("ab", answers.probabilities["good"]), 0
    )
    drawn = draw(twice, None)
    assert np.array_equal(drawn["a"]["macro_f1"], drawn["b"]["macro_f1"])
    assert len(drawn["a"]["macro_f1"]) == DRAWS
    assert np.ptp(drawn["a"]["macro_f1"]) > 0


def test_a_function_of_the_experiment_scores_fewer_draws_and_may_fail_on_some(answers: Answers) -> None:
    calls = []

    def compute(probabilities, references, labels):  # noqa: ANN001, ANN202
        calls.append(len(references))
        if len(calls) % 4 == 0:
            raise ValueError("a label is missing")
        return {"own": float(references.mean())}

    drawn = draw(answers, compute)["good"]["own"]
    assert len(drawn) == CALLS and set(calls) == {60}
    assert np.isnan(drawn).sum() == CALLS // 4
    assert interval(drawn) is not None


def test_without_enough_numbers_there_is_no_interval() -> None:
    assert interval(np.array([np.nan, np.nan, 1.0])) is None
    assert interval(np.array([])) is None
