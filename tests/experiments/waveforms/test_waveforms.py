"""The waveform functions against numpy on whole records; the sample's files; what is wrong with a record is told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb

from experiments.waveforms import functions
from experiments.waveforms.functions import BANDS, encode_data, get_dataset_features
from experiments.waveforms.sample import Record, records, write_record
from finetune.errors import UnreadableError
from finetune.prepare.encoder import Encoder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One record of 30.5 seconds, whose last segment is not whole."""
    write_record(tmp_path / "r", Record("p300001", "3000011", "CCU", 30.5, (1, 5)))
    return tmp_path / "r"


def instance(folder: Path) -> dict[str, str]:
    return {path.name: str(path) for path in folder.iterdir()}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return encode_data(instance(folder), None, {})


def test_features_are_those_of_the_whole_signal_however_it_is_cut(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = wfdb.rdrecord(str(folder / "3000011"))
    rows = rows_of(folder)
    assert [row["signal"] for row in rows] == record.sig_name
    for number, row in enumerate(rows):
        signal = record.p_signal[:, number]
        there = signal[~np.isnan(signal)]
        assert row["samples"] == 3812 and row["sampling_rate"] == 125
        assert row["missing_share"] == pytest.approx(np.isnan(signal).mean())
        assert [row["mean"], row["std"], row["min"], row["max"]] == pytest.approx(
            [there.mean(), there.std(), there.min(), there.max()]
        )
        for share in functions.QUANTILES:
            assert row[f"q{round(100 * share):02}"] == pytest.approx(np.quantile(there, share))
    monkeypatch.setattr(functions, "VALUES", 1)
    for one, other in zip(rows, rows_of(folder), strict=True):
        assert one == pytest.approx(other, nan_ok=True)


def test_a_tone_is_in_its_band(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 10 * np.arange(2_000) / 125)
    wfdb.wrsamp("tone", 125, ["mV"], ["II"], tone[:, None], fmt=["16"], write_dir=str(tmp_path))
    row = rows_of(tmp_path)[0]
    shares = {band: row[f"power_{band[0]:g}_{band[1]:g}_hz".replace(".", "p")] for band in BANDS}
    assert max(shares, key=lambda band: shares[band]) == (4.0, 15.0)
    assert shares[4.0, 15.0] == pytest.approx(1, abs=1e-3)


def test_a_signal_without_a_sample_has_no_number(tmp_path: Path) -> None:
    how = {"fmt": ["16"], "adc_gain": [200.0], "baseline": [0], "write_dir": str(tmp_path)}
    wfdb.wrsamp("gone", 125, ["mV"], ["II"], np.full((600, 1), np.nan), **how)
    row = rows_of(tmp_path)[0]
    assert row["missing_share"] == 1.0
    assert np.isnan([row["mean"], row["q50"], row["power_0p5_4_hz"]]).all()


@pytest.mark.parametrize("wrong", ["absent", "torn", "no header", "wide"])
def test_what_is_wrong_with_a_record_is_told_with_its_path(folder: Path, wrong: str) -> None:
    data, header = folder / "3000011.dat", folder / "3000011.hea"
    if wrong == "absent":
        data.unlink()
    elif wrong == "torn":
        data.write_bytes(data.read_bytes()[:-101])
    elif wrong == "no header":
        header.write_text("this is none\n")
    else:
        header.write_text(header.read_text().replace(".dat 16 ", ".dat 24 "))
    with pytest.raises(UnreadableError, match="encode_data raised .* for id p30/x with .*3000011.hea"):
        Encoder(encode_data, get_dataset_features(0), None, {}).table({"p30/x": instance(folder)})


def test_the_sample_is_the_same_each_time_nested_and_of_natural_spread(tmp_path: Path) -> None:
    wanted = list(records(4001, 8, 3600))
    assert wanted == list(records(4001, 8, 3600))
    assert {record.guid.split("/")[0] for record in wanted} == {f"p{group}" for group in range(30, 40)}
    assert all(record.guid == f"{record.patient[:3]}/{record.patient}/{record.name}" for record in wanted)
    assert max(record.seconds for record in wanted) > 100 * min(record.seconds for record in wanted)
    for name in ("one", "two"):
        write_record(tmp_path / name, wanted[0]._replace(seconds=9.0))
    one, two = (sorted(path.read_bytes() for path in (tmp_path / name).iterdir()) for name in ("one", "two"))
    assert one == two
    assert b"synthetic" in b"".join(one)
