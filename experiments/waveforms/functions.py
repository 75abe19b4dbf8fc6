"""The functions of EXP-4001: features of each signal of a waveform record, read in pieces with wfdb.

Two of the five suffice: nothing is trained.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import wfdb
from datasets import Features, Value
from numpy.typing import NDArray

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BANDS = ((0.0, 0.5), (0.5, 4.0), (4.0, 15.0), (15.0, 40.0))
"""Hz: baseline and breathing, pulse, the QRS complex, muscle."""
SEGMENT_S = 4.0
VALUES = 1 << 18
"""Samples of all signals that are in memory at a time, about."""
LOWEST, MISSING = -(1 << 15), -(1 << 15)
"""Of 16 bits, and what stands for no sample there (WFDB's signal(5))."""
FORMATS = ("8", "16", "80", "160", "212", "310", "311")
"""Those of at most 16 bits."""

Counts = NDArray[np.int64]


def get_dataset_features(num_labels: int) -> Features:
    """A row per signal."""
    return Features(
        {
            "record": Value("string"),
            "signal": Value("string"),
            "unit": Value("string"),
            "recorded_at": Value("string"),
            "samples": Value("int64"),
            "sampling_rate": Value("float64"),
            **{name: Value("float64") for name in ("missing_share", "mean", "std", "min", "max")},
            **{_quantile_name(share): Value("float64") for share in QUANTILES},
            **{_band_name(band): Value("float64") for band in BANDS},
        }
    )


def encode_data(
    instance: dict[str, str], label2id: dict[str, int] | None, model: dict[str, Any]
) -> list[dict[str, Any]]:
    """A row for each signal of each header among the files of an id.

    Mean, deviation and quantiles are exact: they come from counts of the 16-bit values. Powers are the shares of the
    bands in the mean periodogram of segments of four seconds without missing samples (Bartlett 1948), with a Hann
    window; a signal without such a segment has NaN there.
    """
    headers = sorted(path.removesuffix(".hea") for name, path in instance.items() if name.endswith(".hea"))
    return [row for path in headers for row in _rows(path)]


def _rows(path: str) -> Iterator[dict[str, Any]]:
    header = wfdb.rdheader(path)
    wrong = sorted(set(header.fmt) - set(FORMATS))
    if wrong:
        raise ValueError(f"{path}.hea has a signal of format {wrong[0]}, but at most 16 bits are read")
    length = max(8, round(SEGMENT_S * header.fs))
    signals = [_Signal(length, header.fs) for _ in header.sig_name]
    step = max(1, VALUES // (length * len(signals))) * length
    for start in range(0, header.sig_len, step):
        stop = min(start + step, header.sig_len)
        read = wfdb.rdrecord(path, sampfrom=start, sampto=stop, physical=False, return_res=16).d_signal
        for number, signal in enumerate(signals):
            signal.add(read[:, number])
    for number, signal in enumerate(signals):
        yield {
            "record": header.record_name,
            "signal": header.sig_name[number],
            "unit": header.units[number],
            "recorded_at": f"{header.base_datetime.isoformat()}Z" if header.base_datetime else "",
            "samples": header.sig_len,
            "sampling_rate": float(header.fs),
            **signal.features(header.adc_gain[number], header.baseline[number]),
        }


class _Signal:
    """What is counted of one signal while it is read."""

    def __init__(self, length: int, rate: float) -> None:
        """Takes the samples of a segment, and samples per second."""
        self._length, self._rate = length, rate
        self._counts: Counts = np.zeros(1 << 16, np.int64)
        self._window = np.hanning(length + 1)[:-1]
        self._power = np.zeros(length // 2 + 1)

    def add(self, samples: NDArray[np.int16]) -> None:
        """Counts a piece that begins where a segment does."""
        self._counts += np.bincount(samples.astype(np.int64) - LOWEST, minlength=1 << 16)
        whole = samples[: len(samples) // self._length * self._length].reshape(-1, self._length)
        whole = whole[(whole != MISSING).all(axis=1)].astype(np.float64)
        spectra = np.fft.rfft((whole - whole.mean(axis=1, keepdims=True)) * self._window)
        self._power += (spectra.real**2 + spectra.imag**2).sum(axis=0)

    def features(self, gain: float, baseline: int) -> dict[str, float]:
        """In physical units: (value - baseline) / gain."""
        counts = self._counts.copy()
        missing, total = counts[MISSING - LOWEST], counts.sum()
        counts[MISSING - LOWEST] = 0
        values = np.flatnonzero(counts)
        shown = (values + LOWEST - baseline) / gain
        return {
            "missing_share": float(missing / total) if total else 1.0,
            **_moments(shown, counts[values]),
            **_quantiles(shown, counts[values]),
            **self._bands(),
        }

    def _bands(self) -> dict[str, float]:
        frequencies = np.fft.rfftfreq(self._length, 1 / self._rate)
        total = self._power[1:].sum()
        parts = {band: self._power[(frequencies > band[0]) & (frequencies <= band[1])].sum() for band in BANDS}
        return {_band_name(band): float(part / total) if total else float("nan") for band, part in parts.items()}


def _moments(values: NDArray[np.float64], counts: Counts) -> dict[str, float]:
    if not len(values):
        return dict.fromkeys(("mean", "std", "min", "max"), float("nan"))
    mean = float(np.average(values, weights=counts))
    spread = float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))
    return {"mean": mean, "std": spread, "min": float(values.min()), "max": float(values.max())}


def _quantiles(values: NDArray[np.float64], counts: Counts) -> dict[str, float]:
    """Linear between the two nearest samples, as numpy's default."""
    if not len(values):
        return {_quantile_name(share): float("nan") for share in QUANTILES}
    order = np.argsort(values)
    values, ends = values[order], np.cumsum(counts[order])
    places = np.array(QUANTILES) * (ends[-1] - 1)
    low, high = (values[np.searchsorted(ends, at(places), side="right")] for at in (np.floor, np.ceil))
    found = low + (high - low) * (places - np.floor(places))
    return {_quantile_name(share): float(value) for share, value in zip(QUANTILES, found, strict=True)}


def _quantile_name(share: float) -> str:
    return f"q{round(100 * share):02}"


def _band_name(band: tuple[float, float]) -> str:
    return f"power_{band[0]:g}_{band[1]:g}_hz".replace(".", "p")  # a feature group takes no dots
