"""McNemar's test, agreement, and where models differ."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from finetune.comparison.agreement import agreements, cohen_kappa
from finetune.comparison.answers import Answers
from finetune.comparison.differences import apart, per_label
from finetune.comparison.mcnemar import McNemar, mcnemar, told
from finetune.evaluation.scores import per_label_table

CLASSES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30)


def right(both: int, first: int, second: int, none: int) -> tuple[np.ndarray, np.ndarray]:
    one = np.array([True] * (both + first) + [False] * (second + none))
    other = np.array([True] * both + [False] * first + [True] * second + [False] * none)
    return one, other


@pytest.mark.parametrize(
    ("first", "second", "p"), [(0, 0, 1.0), (5, 5, 1.0), (1, 0, 1.0), (6, 0, 2 / 64), (8, 2, 112 / 1024)]
)
def test_mcnemar_counts_what_only_one_gets_right(first: int, second: int, p: float) -> None:
    assert mcnemar(*right(20, first, second, 3)) == McNemar(first, second, pytest.approx(p))


def test_the_sentence_says_whether_it_may_be_luck() -> None:
    luck, sure = told("a", "b", McNemar(8, 2, 0.109375)), told("a", "b", McNemar(30, 2, 1e-7))
    assert luck.startswith("a alone is right on 8 test ids, b alone on 2; were both equally good")
    assert "in 11 of 100 cases (exact McNemar test, p = 0.11): the difference may be luck." in luck
    assert "in less than 1 of 100 cases" in sure and sure.endswith("the difference is hardly luck.")
    assert "same test ids" in told("a", "b", McNemar(0, 0, 1.0))
    assert "right equally often, each alone on 3 test ids" in told("a", "b", McNemar(3, 3, 1.0))


@given(CLASSES)
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs).T
    known = 1.0 if len(set(one) | set(other)) == 1 else cohen_kappa_score(one, other, labels=[0, 1, 2])
    assert cohen_kappa(one, other, 3) == pytest.approx(known)


def test_each_two_models_are_compared(answers: Answers) -> None:
    found = list(agreements(answers))
    assert [(each.first, each.second) for each in found] == [("good", "fair"), ("good", "poor"), ("fair", "poor")]
    assert found[0].share > found[1].share and found[0].kappa > found[1].kappa


def test_labels_on_which_models_differ_most_come_first(answers: Answers) -> None:
    rows = per_label(answers)
    assert all(one.spread >= other.spread for one, other in pairwise(rows))
    for model in answers.probabilities:
        known = per_label_table(answers.probabilities[model], answers.references, answers.labels)
        assert {row.label: row.f1[model] for row in rows} == pytest.approx({row.label: row.f1 for row in known})
        assert {row.label: row.support for row in rows} == {row.label: row.support for row in known}


def test_ids_with_other_answers_are_listed_the_farthest_apart_first(answers: Answers) -> None:
    rows = apart(answers)
    assert len(rows) == 20
    assert all(one.distance >= other.distance for one, other in pairwise(rows))
    for row in rows:
        assert len(set(row.predicted.values())) > 1 and 0 <= row.distance <= 1
        index = answers.guids.index(row.guid)
        assert row.label == answers.labels[answers.references[index]]
        assert row.probability["good"] == answers.probabilities["good"][index].max()
