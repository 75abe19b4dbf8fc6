import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from finetune.errors import EvaluateError
from finetune.evaluation.scores import default_metrics, per_label_table

ROOT = Path(__file__).parents[3]
LABELS = ["notice", "tag", "text"]


def one_hot(ids: list[int], size: int = 3) -> np.ndarray:
    return np.eye(size, dtype=np.float32)[ids]


def test_default_metrics_of_a_small_case_by_hand() -> None:
    metrics = default_metrics(one_hot([0, 0, 1, 1]), np.array([0, 0, 0, 1]), LABELS)
    assert metrics["accuracy"] == 0.75
    assert metrics["precision_notice"] == 1
    assert metrics["recall_notice"] == pytest.approx(2 / 3)
    assert metrics["precision_tag"] == 0.5
    assert metrics["recall_text"] == 0
    assert metrics["macro_f1"] == pytest.approx((0.8 + 2 / 3 + 0) / 3)
    assert metrics["weighted_f1"] == pytest.approx(0.75 * 0.8 + 0.25 * 2 / 3)
    assert all(type(value) is float for value in metrics.values())


pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=40)
@given(pairs)
def test_scores_are_those_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    predicted, true = [p for p, _ in rows], [t for _, t in rows]
    labels = ["a", "b", "c", "d"]
    expected = precision_recall_fscore_support(true, predicted, labels=range(4), zero_division=0)
    table = per_label_table(one_hot(predicted, 4), np.array(true), labels)
    found = [[row.precision for row in table], [row.recall for row in table], [row.f1 for row in table]]
    np.testing.assert_allclose(found, expected[:3])
    assert [row.support for row in table] == expected[3].tolist()
    assert [row.label for row in table] == labels
    metrics = default_metrics(one_hot(predicted, 4), np.array(true), labels)
    assert metrics["macro_f1"] == pytest.approx(expected[2].mean())


@pytest.mark.parametrize(
    ("predictions", "references", "words"),
    [
        (one_hot([0, 1], 2), [0, 1], r"\(2, 3\)"),
        (one_hot([0]), [0, 1], "shape"),
        (np.empty((0, 3)), [], "empty"),
        (np.array([[np.nan, 0, 0], [1, 0, 0]]), [0, 1], "1 of 2 rows"),
        (one_hot([0, 1]), [0, 3], r"0\.\.2.*0\.\.3"),
        (one_hot([0, 1]), [-1, 0], r"-1\.\.0"),
    ],
)
def test_rows_that_cannot_be_scored_are_refused(predictions: np.ndarray, references: list[int], words: str) -> None:
    with pytest.raises(EvaluateError, match=words):
        default_metrics(predictions, np.array(references, dtype=np.int64), LABELS)


SCRIPT = """
import sys
def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise RuntimeError(f"network: {event} {args}")
sys.addaudithook(refuse)
import numpy as np
from finetune.evaluation.scores import default_metrics
for _ in range(20):
    found = default_metrics(np.eye(2, dtype=np.float32), np.array([0, 1]), ["no", "yes"])
print(found["macro_f1"])
"""


def test_two_processes_at_once_score_without_network_and_leave_the_folder_clean(tmp_path: Path) -> None:
    here, cache = tmp_path / "here", tmp_path / "cache"
    here.mkdir()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "HF_HOME": str(cache), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT)]
    running = [
        subprocess.Popen(command, cwd=here, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ends = [process.communicate(timeout=300) for process in running]
    assert [out.strip() for out, _ in ends] == ["1.0", "1.0"], ends
    assert list(here.iterdir()) == []
