import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluation.calibration import BINS, calibration


def test_error_of_a_small_case_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.35, 0.65]])
    found = calibration(probabilities, np.array([0, 1, 0, 1]))
    assert found.error == pytest.approx(0.5 * abs(0.5 - 0.95) + 0.5 * abs(1 - 0.65))
    assert [part.count for part in found.bins] == [0, 0, 0, 0, 0, 0, 2, 0, 0, 2]
    assert (found.bins[9].confidence, found.bins[9].accuracy) == (pytest.approx(0.95), 0.5)
    assert (found.bins[0].confidence, found.bins[0].accuracy) == (None, None)


def test_a_bin_holds_its_upper_edge_and_not_its_lower_one() -> None:
    found = calibration(np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]), np.array([0, 0]))
    assert [index for index, part in enumerate(found.bins) if part.count] == [4, 9]
    assert (found.bins[4].lower, found.bins[4].upper) == (0.4, 0.5)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=50))
def test_the_error_is_the_weighed_gap_of_the_bins(rows: list[tuple[float, int]]) -> None:
    probabilities = np.array([[share, 1 - share] for share, _ in rows], dtype=np.float32)
    found = calibration(probabilities, np.array([true for _, true in rows]))
    gaps = [part.count * abs(part.accuracy - part.confidence) for part in found.bins if part.accuracy is not None]
    assert found.error == pytest.approx(sum(gaps) / len(rows), abs=1e-9)
    assert 0 <= found.error <= 1
    assert len(found.bins) == BINS
    assert sum(part.count for part in found.bins) == len(rows)
