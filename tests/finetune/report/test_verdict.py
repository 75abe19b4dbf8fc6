import math

import numpy as np
import pytest

from finetune.evaluation.scores import LabelScore
from finetune.report.verdict import beaten_by, commonest_confusion, headline_metric, metric_name, verdict, weakest

BASELINES = {"TF-IDF + logistic regression": {"macro_f1": 0.817}, "always answering 'notice'": {"macro_f1": 0.1}}


def test_the_verdict_gives_score_test_ids_and_distances() -> None:
    assert verdict("macro_f1", {"macro_f1": 0.907}, BASELINES, {}, 1400) == (
        "Macro F1 0.907 on 1,400 test ids: 0.090 above TF-IDF + logistic regression, "
        "0.807 above always answering 'notice'."
    )


@pytest.mark.parametrize(
    ("value", "baselines", "words"),
    [
        (0.5, {"B": {"macro_f1": 0.6}}, "Macro F1 0.500 on 1 test id: 0.100 below B."),
        (0.5, {"B": {"macro_f1": 0.5001}}, "Macro F1 0.500 on 1 test id: level with B."),
        (0.5, {"B": {"macro_f1": math.nan}, "C": {}}, "Macro F1 0.500 on 1 test id."),
        (0.5, {}, "Macro F1 0.500 on 1 test id."),
        (math.nan, {"B": {"macro_f1": 0.6}}, "Macro F1 is not a number on 1 test id."),
    ],
)
def test_the_verdict_of_hard_cases(value: float, baselines: dict[str, dict[str, float]], words: str) -> None:
    assert verdict("macro_f1", {"macro_f1": value}, baselines, {}, 1) == words


@pytest.mark.parametrize(
    ("value", "ends", "words"),
    [
        (0.62, (-0.01, 0.05), "0.020 above B (perhaps by luck)"),
        (0.58, (-0.05, 0.01), "0.020 below B (perhaps by luck)"),
        (0.62, (0.01, 0.03), "0.020 above B"),
        (0.6, (-0.01, 0.01), "level with B"),
    ],
)
def test_a_distance_whose_interval_holds_zero_may_be_luck(value: float, ends: tuple[float, float], words: str) -> None:
    found = verdict("macro_f1", {"macro_f1": value}, {"B": {"macro_f1": 0.6}}, {"B": {"macro_f1": ends}})
    assert found == f"Macro F1 {value:.3f} on the test split: {words}."


def test_a_loss_is_not_above_a_baseline_but_worse() -> None:
    found = verdict("nll", {"nll": 0.7}, {"B": {"nll": 0.6}, "C": {"nll": 0.9}}, {})
    assert found == "NLL 0.700 on the test split: 0.100 worse than B, 0.200 better than C."


def test_the_verdict_without_the_number_of_test_ids() -> None:
    found = verdict("macro_f1", {"macro_f1": 0.5}, {"B": {"macro_f1": 0.6}}, {})
    assert found == "Macro F1 0.500 on the test split: 0.100 below B."


def test_a_baseline_that_is_not_beaten_is_named() -> None:
    assert beaten_by("macro_f1", {"macro_f1": 0.9}, BASELINES) == []
    assert beaten_by("macro_f1", {"macro_f1": 0.817}, BASELINES) == ["TF-IDF + logistic regression"]
    assert beaten_by("macro_f1", {"macro_f1": math.nan}, BASELINES) == list(BASELINES)
    assert beaten_by("log_loss", {"log_loss": 0.2}, {"B": {"log_loss": 0.3}, "C": {}}) == []


def test_a_metric_that_is_missing_gives_way_to_macro_f1_or_the_first() -> None:
    assert headline_metric("macro_f1", {"auc": 0.5, "macro_f1": 0.4}) == "macro_f1"
    assert headline_metric("loss", {"auc": 0.5, "macro_f1": 0.4}) == "macro_f1"
    assert headline_metric("loss", {"auc": 0.5, "accuracy": 0.4}) == "auc"
    assert headline_metric("loss", {}) == "loss"


def test_names_are_written_as_people_write_them() -> None:
    assert metric_name("macro_f1") == "macro F1"
    assert metric_name("roc_auc") == "roc AUC"


def test_the_weakest_label_is_one_that_the_test_split_has() -> None:
    rows = [LabelScore("a", 5, 1, 1, 0.9), LabelScore("b", 3, 1, 1, 0.7), LabelScore("c", 0, 0, 0, 0)]
    found = weakest(rows)
    assert found is not None
    assert found.label == "b"
    assert weakest(rows[2:]) is None


def test_the_commonest_confusion_is_off_the_diagonal() -> None:
    assert commonest_confusion(np.array([[9, 1], [2, 9]]), ["a", "b"]) == ("b", "a", 2)
    assert commonest_confusion(np.diag([3, 3]), ["a", "b"]) is None
