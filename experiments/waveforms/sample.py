"""A sample production source of SYNTHETIC waveform records: nobody's heart, made by a seeded generator.

The layout is that of MIMIC-III's waveform database: <group>/<patient>/<record>/ with a header (.hea) and binary samples
(.dat), written with wfdb itself. Signals look like an ECG lead, a pulse wave, breathing and arterial pressure: sums of
the usual bumps with drifting rate, noise and gaps; nothing about a patient can be learnt from them. The rhythm of a
record is drawn, too, and its ECG is made to look like it: a model of it learns this generator, and no medicine.
"""

import math
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import wfdb
from numpy.typing import NDArray

if __name__ == "__main__":  # of a file that is started, Python knows only the folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from experiments.license_mentions.sample import main
from finetune.storage.lock import locked

GROUPS = tuple(range(30, 40))
RATE = 125
UNITS = ("MICU", "SICU", "CCU", "CSRU", "TSICU")
SPELLINGS = {
    "ecg": ("II", "ii", "ECG II", "MLII"),
    "pulse": ("PLETH", "Pleth"),
    "breath": ("RESP", "Resp", "resp"),
    "pressure": ("ABP", "ART"),
}
GAINS = {"ecg": ("mV", 2000.0), "pulse": ("NU", 8000.0), "breath": ("pm", 4000.0), "pressure": ("mmHg", 80.0)}
SHORTEST_S, LONGEST_S = 8.0, 3600.0
RHYTHMS = ("sinus", "fibrillation", "tachycardia")
"""Made-up likenesses of these: regular; irregular, without P wave and with fine waves; regular and fast."""
BEGIN = datetime(2026, 1, 1)
DAYS = 300

WAVES = ((0.15, 0.2, 0.03), (-0.1, 0.34, 0.01), (1.0, 0.37, 0.012), (-0.2, 0.4, 0.012), (0.3, 0.6, 0.05))
"""Height, place in the beat and width of P, Q, R, S and T."""
FASTER = {"sinus": 0.0, "fibrillation": 0.3, "tachycardia": 1.2}
"""Beats a second."""
UNEVEN = {"sinus": 1.0, "fibrillation": 5.0, "tachycardia": 1.0}
FIBRILLATING = ("ecg", "fibrillation")

Samples = NDArray[np.float64]


class Record(NamedTuple):
    """One record that is to be written."""

    patient: str
    name: str
    unit: str
    seconds: float
    seed: tuple[int, int]

    @property
    def guid(self) -> str:
        """Its folder below files/."""
        return f"{self.patient[:3]}/{self.patient}/{self.name}"

    @property
    def rhythm(self) -> str:
        """Drawn for the record, apart from its signals."""
        return RHYTHMS[int(np.random.default_rng((*self.seed, 1)).integers(len(RHYTHMS)))]

    @property
    def begins(self) -> datetime:
        """When it was recorded, UTC."""
        minutes = int(np.random.default_rng((*self.seed, 2)).integers(DAYS * 24 * 60))
        return BEGIN + timedelta(minutes=minutes)


def build(folder: Path) -> None:
    """Writes records of 2 to 6 patients a group into `folder`: files/p30/p300001/3000001/3000001.hea, and labels.db."""
    build_records(folder, list(records(4001, SHORTEST_S, LONGEST_S)))


def records(seed: int, shortest_s: float, longest_s: float) -> Iterator[Record]:
    """Yields records whose lengths are log-uniform, as stays are: those of one patient are alike."""
    generator = np.random.default_rng(seed)
    low, high = math.log(shortest_s), math.log(longest_s)
    for group in GROUPS:
        for patient in range(1, 1 + int(generator.integers(2, 7))):
            typical = generator.uniform(low, high)
            for number in range(1, 1 + int(generator.integers(1, 4))):
                length = min(high, max(low, typical + generator.normal(0, 0.5)))
                name = f"{group}{patient:04}{number}"
                unit = UNITS[int(generator.integers(len(UNITS)))]
                yield Record(f"p{group}{patient:04}", name, unit, math.exp(length), (seed, int(name)))


def build_records(folder: Path, wanted: list[Record]) -> None:
    """Writes records and labels.db; the folder appears complete or not at all."""
    scratch = folder.with_name(f".{folder.name}.part")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f".{folder.name}.lock"), f"the sample {folder}"):
        if folder.exists():
            return
        shutil.rmtree(scratch, ignore_errors=True)
        for record in wanted:
            write_record(scratch / "files" / record.guid, record)
        with sqlite3.connect(scratch / "labels.db") as database:
            database.execute(
                "CREATE TABLE records (guid TEXT PRIMARY KEY, record TEXT, patient TEXT, care_unit TEXT, rhythm TEXT, "
                "recorded_at TEXT)"
            )
            database.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)", map(_row, wanted))
        database.close()
        scratch.rename(folder)


def _row(record: Record) -> tuple[str, ...]:
    begins = f"{record.begins.isoformat()}Z"
    return (record.guid, record.name, record.patient, record.unit, record.rhythm, begins)


def write_record(folder: Path, record: Record) -> None:
    """Writes one record's header and samples."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(record.seed)
    kinds = ["ecg", *(kind for kind in ("pulse", "breath", "pressure") if generator.random() < 0.7)]
    length = round(record.seconds * RATE)
    signals = np.column_stack([_signal(kind, length, generator, record.rhythm) for kind in kinds])
    wfdb.wrsamp(
        record.name,
        fs=RATE,
        units=[GAINS[kind][0] for kind in kinds],
        sig_name=[str(generator.choice(SPELLINGS[kind])) for kind in kinds],
        p_signal=signals,
        fmt=["16"] * len(kinds),
        adc_gain=[GAINS[kind][1] for kind in kinds],
        baseline=[0] * len(kinds),
        base_date=record.begins.date(),
        base_time=record.begins.time(),
        comments=["synthetic: made by a generator, of no patient"],
        write_dir=str(folder),
    )


def _signal(kind: str, length: int, generator: np.random.Generator, rhythm: str) -> Samples:
    beats = generator.uniform(0.9, 1.8) if kind != "breath" else generator.uniform(0.2, 0.4)
    drift = np.repeat(generator.normal(0, 0.05, math.ceil(length / RATE)), RATE)[:length]
    if kind == "ecg":
        beats, drift = beats + FASTER[rhythm], drift * UNEVEN[rhythm]
    phase = np.cumsum(beats * np.maximum(1 + drift, 0.2)) / RATE % 1
    noise = generator.normal(0, 0.02, length)
    shape = (_fibrillating(phase, length) if (kind, rhythm) == FIBRILLATING else _SHAPES[kind](phase)) + noise
    if generator.random() < 0.3:  # a sensor that fell off for a while
        start = int(generator.integers(length))
        shape[start : start + int(generator.integers(1, 1 + length // 4))] = np.nan
    return shape


def _bump(phase: Samples, at: float, width: float) -> Samples:
    return np.asarray(np.exp(-(((phase - at) / width) ** 2)))


def _ecg(phase: Samples) -> Samples:
    """P, Q, R, S and T waves."""
    return np.asarray(sum(height * _bump(phase, at, width) for height, at, width in WAVES))


def _fibrillating(phase: Samples, length: int) -> Samples:
    """Q, R, S and T waves over fine waves, six a second."""
    fine = 0.08 * np.sin(2 * np.pi * 6 * np.arange(length) / RATE)
    return np.asarray(sum(height * _bump(phase, at, width) for height, at, width in WAVES[1:])) + fine


def _pulse(phase: Samples) -> Samples:
    return 0.5 + _bump(phase, 0.3, 0.12) + 0.4 * _bump(phase, 0.6, 0.12)


def _breath(phase: Samples) -> Samples:
    return np.asarray(np.sin(2 * np.pi * phase))


def _pressure(phase: Samples) -> Samples:
    return 75 + 45 * _bump(phase, 0.3, 0.12) + 12 * _bump(phase, 0.6, 0.12)


_SHAPES = {"ecg": _ecg, "pulse": _pulse, "breath": _breath, "pressure": _pressure}

if __name__ == "__main__":
    main(build, default="outputs/production/waveforms")
