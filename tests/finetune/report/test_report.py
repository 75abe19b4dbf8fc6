import base64
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from finetune.comparison.bootstrap import Interval
from finetune.evaluation.calibration import calibration
from finetune.evaluation.confusion import confusion_matrix
from finetune.evaluation.luck import Luck
from finetune.evaluation.mistakes import Mistake
from finetune.evaluation.scores import LabelScore
from finetune.report.facts import Dropped, ReportFacts
from finetune.report.report import build_report, metric_rows

VOID = {"meta", "img", "br", "link"}
POINTS = [
    {"step": 10, "epoch": 0.5, "loss": 1.2},
    {"step": 20, "epoch": 1.0, "loss": 0.8},
    {"step": 20, "epoch": 1.0, "validation_loss": 0.9, "validation_macro_f1": 0.6},
]


def luck(lower: float) -> Luck:
    apart = {"macro_f1": Interval(lower, 0.3), "accuracy": Interval(0.0, 0.1)}
    return Luck({"macro_f1": Interval(0.7, 0.9)}, {"TF-IDF + logistic regression": apart})


def facts(labels: Sequence[str] = ("notice", "tag"), **changes: Any) -> ReportFacts:
    size = len(labels)
    references = np.arange(10 * size) % size
    probabilities = np.full((10 * size, size), 0.1 / size)
    probabilities[np.arange(10 * size), np.where(np.arange(10 * size) % 7 == 0, 0, references)] += 0.9
    counts = dict.fromkeys(labels, 10)
    values: dict[str, Any] = {
        "experiment": "EXP-1-test",
        "run_number": 2,
        "stack": "local",
        "created": "2026-03-02T14:31:07+00:00",
        "headline": "macro_f1",
        "labels": list(labels),
        "metrics": {"accuracy": 0.9, "macro_f1": 0.8, f"recall_{labels[0]}": 0.7},
        "baselines": {"TF-IDF + logistic regression": {"accuracy": 0.5, "macro_f1": 0.6}},
        "luck": luck(0.011),
        "majority_label": labels[0],
        "per_label": [LabelScore(label, 10, 0.9, 0.8, 0.85) for label in labels],
        "confusion": confusion_matrix(probabilities, references, size),
        "calibration": calibration(probabilities, references),
        "mistakes": [Mistake("id-77", labels[1], labels[0], 0.91)],
        "best_metric": "macro_f1",
        "history": POINTS,
        "counts_before": {**counts, "clue": 1234},
        "counts_after": {"train": counts, "validation": counts, "test": counts},
        "left_out": {"clue": "in ignored_labels"},
        "dropped": [Dropped("no label", 3, ("x", "y", "z"))],
        "rejected": ["id-1", "id-2", "id-3", "id-4"],
        "truncated": {labels[0]: 0.125},
        "seconds": {"train": 512.0, "tune": 7322.0, "prepare": 1.25},
        "config": {"experiment": "EXP-1-test", "train": {"epochs": 3}},
        "versions": {"torch": "2.13.0"},
        "hashes": {"manifest": "ab" * 32},
    }
    return ReportFacts(**{**values, **changes})


class Tags(HTMLParser):
    """Checks that tags nest, and collects attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.seen if tag in names]


def images(page: str) -> list[str]:
    found = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    return [base64.b64decode(text).decode("utf-8") for text in found]


def test_the_page_says_what_a_reader_asks_for() -> None:
    page = build_report(facts())
    for words in (
        "Macro F1 0.800 on 20 test ids: 0.200 above TF-IDF + logistic regression.",
        "EXP-1-test", "id-77", "1,234", "12.5%", "in ignored_labels", "rejected 4", "8 min 32 s", "2 h 02 min", "1.2 s",
        "2 h 10 min", "The majority label, one of the most frequent of the train split, is notice.",
        "epochs: 3", "2.13.0", "ab" * 32,
    ):  # fmt: skip
        assert words in page
    assert len(images(page)) == 6


def test_the_page_says_how_far_luck_may_move_the_distance_to_a_baseline() -> None:
    page = build_report(facts())
    assert (
        re.search(r"Interval of the distance to TF-IDF[^:]+:\s+<b>\+0.011</b> to <b>\+0.300</b> \(", page)
        and "luck" not in page
    )
    assert "0.200 above TF-IDF + logistic regression (perhaps by luck)." in build_report(facts(luck=luck(-0.011)))


def test_a_model_without_mistakes_is_not_said_to_be_perfect() -> None:
    page = build_report(facts(confusion=np.diag([20, 20])))
    assert re.search(r"No mistake on the test split: [^<]+<b>7.2%</b>", page)
    assert "How far the choice of test ids" not in page
    assert "No mistake on the test split: " not in build_report(facts())


def test_the_times_say_on_what_machine_they_were_taken() -> None:
    small, large = "AMD EPYC, 2 cores, 8 GiB", "AMD EPYC, 48 cores, 192 GiB, 4 x NVIDIA A10G"
    one = build_report(facts(hardware=dict.fromkeys(("train", "tune", "prepare"), small)))
    assert one.count(small) == 1 and f"Machine: {small}." in one
    two = build_report(facts(hardware={"train": large, "prepare": small}))
    rows = re.findall(r'<tr><th scope="row">(\w+)</th><td>[^<]+</td><td class="text">([^<]*)</td></tr>', two)
    assert rows == [("train", large), ("tune", ""), ("prepare", small)]


def test_the_page_stands_alone_and_is_accessible() -> None:
    page = build_report(facts())
    tags = Tags(page)
    assert not tags.of("script", "link", "iframe")
    assert re.findall(r"(?:src|href)=[\"'](?!data:)", page) == []
    assert "url(" not in page
    assert all(picture["alt"] for picture in tags.of("img"))
    assert all("scope" in header for header in tags.of("th"))
    assert all(re.findall(r'href="(?!#|data:)', svg) == [] for svg in images(page))


def test_equal_facts_give_equal_pages() -> None:
    assert build_report(facts()) == build_report(facts())


def test_markup_in_names_is_shown_and_not_obeyed() -> None:
    evil = "<script>alert('x')</script>"
    page = build_report(
        facts(
            labels=(evil, "$x_1$ \x07&"),
            experiment=evil,
            mistakes=[Mistake(evil, evil, "tag", 0.9, evil)],
            dropped=[Dropped(evil, 1, (evil,))],
            baselines={evil: {"macro_f1": 0.1}},
            config={"model": {"name": evil}},
            left_out={evil: evil},
        )
    )
    assert not Tags(page).of("script")
    assert evil not in page
    for svg in images(page):
        ElementTree.fromstring(svg)


@pytest.mark.parametrize("size", [2, 3, 9, 11, 40])
def test_any_number_of_labels_makes_a_page_of_bounded_size(size: int) -> None:
    page = build_report(facts(labels=[f"a label with a long name, number {index}" for index in range(size)]))
    Tags(page)
    assert len(page) < 1_500_000
    assert ('class="pair wide"' in page) == (size > 10)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"baselines": {}}, "Macro F1 0.800 on 20 test ids."),
        ({"metrics": {"macro_f1": math.nan}}, "Macro F1 is not a number on 20 test ids."),
        ({"metrics": {"macro_f1": 0.5}}, "does not beat TF-IDF + logistic regression"),
        ({"metrics": {"auc": 0.5}}, "AUC 0.500 on 20 test ids."),
        ({"mistakes": [], "confusion": np.diag([10, 10])}, "makes no mistake on the test split"),
        ({"mistakes": []}, "None are listed."),
        ({"rejected": [], "dropped": []}, "rejected no\n  ids. Reconcile dropped none."),
        ({"truncated": None}, "does not say which examples it truncates"),
        ({"truncated": {"notice": math.nan}}, "Truncated: share"),
        ({"history": POINTS[2:]}, "Macro F1 on validation."),
        ({"history": [{"step": 1, "epoch": 0.1, "loss": math.nan}, *POINTS[2:]]}, 'alt="Loss over'),
    ],
)
def test_what_is_missing_or_not_a_number_still_makes_a_page(changes: dict[str, Any], words: str) -> None:
    page = build_report(facts(**changes))
    Tags(page)
    assert words in page


@pytest.mark.parametrize(("ids", "hollow"), [(9, True), (10, False)])
def test_calibration_points_of_few_ids_are_hollow_and_the_caption_says_so(ids: int, hollow: bool) -> None:
    found = calibration(np.full((ids, 2), 0.5), np.zeros(ids, dtype=int))
    page = build_report(facts(calibration=found))
    assert ("A hollow point, which the line leaves out, stands for fewer than 10 ids." in page) == hollow
    assert ("fill: #ffffff; stroke: #1f5f99" in images(page)[1]) == hollow


def test_a_label_that_is_alone_at_the_top_is_the_most_frequent_one() -> None:
    page = build_report(facts(counts_after={"train": {"notice": 11, "tag": 10}}))
    assert "The majority label, the most frequent one of the train split, is notice." in page


@pytest.mark.parametrize(
    ("best_metric", "words"),
    [("macro_f1", "step 20, a dashed line in the plots: the best validation\n  macro F1 (0.600)."), ("auc", None)],
)
def test_the_step_whose_checkpoint_was_kept_is_told_and_marked(best_metric: str, words: str | None) -> None:
    page = build_report(facts(best_metric=best_metric))
    assert (words or "overfitting") in page
    dashed = [image.count("stroke-dasharray") for image in images(page)[2:4]]
    assert dashed == ([1, 1] if words else [0, 0])


def test_without_history_there_is_no_training_section() -> None:
    page = build_report(facts(history=[]))
    assert "<h2>Training</h2>" not in page
    assert len(images(page)) == 4


def test_the_best_value_of_a_metric_is_marked_and_per_label_metrics_are_left_out() -> None:
    rows = metric_rows(
        {"macro_f1": 0.8, "log_loss": 0.3, "accuracy": math.nan, "auc": 0.5, "recall_tag": 0.1, "f2": 0.4},
        {"B": {"macro_f1": 0.7, "log_loss": 0.2, "accuracy": 0.5, "f2": 0.4}},
        ["tag"],
    )
    assert [(row.name, row.best) for row in rows] == [
        ("macro F1", (True, False)),
        ("log loss", (False, True)),
        ("accuracy", (False, False)),
        ("AUC", (False, False)),
        ("f2", (True, True)),
    ]
    assert rows[2].values == (None, 0.5)
