"""The two sides of the benchmark of feature work: they compute the same."""

from pathlib import Path

import pandas

from benchmarks.shards import own_features, whole_features
from experiments.waveforms.sample import Record, build_records, records


def test_features_as_one_writes_them_with_numpy_are_those_of_the_experiment(tmp_path: Path) -> None:
    first = next(records(1, 20, 40))
    build_records(tmp_path / "waveforms", [Record(*first[:3], 20, first.seed)])
    path = str(next(tmp_path.rglob("*.hea"))).removesuffix(".hea")
    ours = pandas.DataFrame(own_features(path))
    assert len(ours) > 0
    pandas.testing.assert_frame_equal(pandas.DataFrame(whole_features(path)), ours, rtol=1e-6, atol=1e-9)
