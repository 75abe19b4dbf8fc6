"""Measures EXP-4001's feature work against the way of AWS's guide: joblib over equal-count chunks, whole files.

Both read the same synthetic records, of which the largest is a thousand times the smallest, in two processes, and give
the same features. They take turns, each in a process of its own, and medians of five are compared: wall time, and the
greatest memory of all processes together (PSS, so that shared pages count once). A third side has the guide's chunks
and EXP-4001's own function, which tells what handing out by bytes brings alone.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from benchmarks.figure import json_line, under
from benchmarks.workspace import note

PROCESSES = 2
REPEATS = 5
SHORTEST_S, LONGEST_S = 60.0, 62_000.0
SEED = 4001
TIME, MEMORY = 0.8, 0.5
SIDES = ("ours", "guide", "chunks")
BETWEEN_S = 0.02
MB = 1_000_000

Rows = list[dict[str, Any]]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        sizes = build(folder / "waveforms")
        note(f"{len(sizes)} records, {sum(sizes) / MB:,.0f} MB, from {min(sizes):,} to {max(sizes):,} bytes")
        seconds: dict[str, list[float]] = {side: [] for side in SIDES}
        peaks: dict[str, list[float]] = {side: [] for side in SIDES}
        for turn in range(REPEATS):
            for side in SIDES if turn % 2 == 0 else reversed(SIDES):
                took, peak = _measured(side, folder, turn)
                seconds[side].append(took)
                peaks[side].append(peak)
                note(f"{side}: {took:.2f} s, {peak:,.0f} MB")
        different = _different(folder)
    time_share = median(seconds["ours"]) / median(seconds["guide"])
    memory_share = median(peaks["ours"]) / median(peaks["guide"])
    print(
        json_line(
            "shards",
            under(time_share, TIME, "of the guide's wall time"),
            {"memory": under(memory_share, MEMORY, "of the guide's peak memory")},
            same_features=different == 0.0,
            largest_difference=different,
            records=len(sizes),
            megabytes=round(sum(sizes) / MB),
            spread=round(max(sizes) / min(sizes)),
            processes=PROCESSES,
            seconds={side: round(median(each), 2) for side, each in seconds.items()},
            peak_mb={side: round(median(each)) for side, each in peaks.items()},
            all_seconds={side: [round(one, 2) for one in each] for side, each in seconds.items()},
        )
    )


def build(folder: Path) -> list[int]:
    """Writes the records of the sample's generator with a spread of a thousand; gives the sizes of their samples."""
    from experiments.waveforms.sample import Record, build_records, records

    made = list(records(SEED, SHORTEST_S, LONGEST_S))
    shortest, longest = min(made, key=_seconds), max(made, key=_seconds)
    ends = {shortest.name: SHORTEST_S, longest.name: LONGEST_S}
    build_records(folder, [Record(*each[:3], ends.get(each.name, each.seconds), each.seed) for each in made])
    return [path.stat().st_size for path in folder.rglob("*.dat")]


def _seconds(record: Any) -> float:
    return float(record.seconds)


def _measured(side: str, folder: Path, turn: int) -> tuple[float, float]:
    """Seconds and MB of one side in a process of its own, imports of the main process left out of the time."""
    command = [sys.executable, __file__, side, str(folder), str(turn)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = 0.0
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(BETWEEN_S):
            peak = max(peak, _memory(process.pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    said, _ = process.communicate()
    ended.set()
    watcher.join()
    if process.returncode != 0:
        raise RuntimeError(f"{side} ended with {process.returncode}")
    return float(said.splitlines()[-1]), peak


def _memory(pid: int) -> float:
    """MB of a process and all below it: proportional set size, from smaps_rollup."""
    import psutil

    total = 0
    try:
        tree = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in tree:
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        except OSError:  # it ended between listing and look
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total / MB


def work(side: str, folder: Path, turn: str) -> None:
    """One side's work, in a process of its own; prints its seconds and leaves its rows behind."""
    files = folder / "waveforms" / "files"
    if side == "ours":
        did = _ours(files, folder / f"ours-{turn}")
    else:
        did = _guide(files, whole_features if side == "guide" else own_features)
    started = time.perf_counter()
    rows = did()
    print(time.perf_counter() - started)
    (folder / f"{side}.json").write_text(json.dumps(rows), encoding="utf-8")


def _ours(files: Path, target: Path) -> Callable[[], Rows]:
    """The work of survey, encode_group and merge, for one group."""
    from finetune.features.survey import survey
    from finetune.shards.group import gather, make_missing
    from finetune.shards.merge import ALL, merge
    from finetune.shards.parts import cut
    from finetune.shards.work import Work

    target.mkdir()
    setting = Work("waveforms", ("get_dataset_features", "encode_data"), str(files), None, {}, 8, 512, False, "")

    def did() -> Rows:
        rows = ({"guid": str(path.parent.relative_to(files)), "label": None} for path in files.rglob("*.hea"))
        wanted = {"groups": 1, "by": "folder", "max_dropped": 0.0, "target": target / "plan.parquet"}
        plan, _ = survey(rows, folder=str(files), patterns=["*.hea", "*.dat"], **wanted)
        work = Work(**{**vars(setting), "parts": str(target / "parts")})
        parts = list(cut(plan.units(0), 16, code="", config=""))
        make_missing(parts, work, name="encode", processes=PROCESSES, scratch=target)
        group = gather(parts, work, target / "group", target)
        merged = merge(plan, [group], 0.0, [ALL]).dataset[ALL]
        return list(merged.remove_columns("guid").to_list())

    return did


def _guide(files: Path, features: Callable[[str], Rows]) -> Callable[[], Rows]:
    """Chunks of equal count, one a process; each reads file after file, and the rows come back to be put together."""
    import numpy as np
    from joblib import Parallel, delayed

    def did() -> Rows:
        paths = sorted(str(path).removesuffix(".hea") for path in files.rglob("*.hea"))
        chunks = np.array_split(np.array(paths), PROCESSES)
        found = Parallel(n_jobs=PROCESSES)(delayed(_chunk)(list(map(str, chunk)), features) for chunk in chunks)
        return [row for rows in found for row in rows]

    return did


def _chunk(paths: list[str], features: Callable[[str], Rows]) -> Rows:
    return [row for path in paths for row in features(path)]


def own_features(path: str) -> Rows:
    """EXP-4001's function on one record."""
    from experiments.waveforms.functions import encode_data

    return encode_data({Path(path).name + ".hea": f"{path}.hea", Path(path).name + ".dat": f"{path}.dat"}, None, {})


def whole_features(path: str) -> Rows:
    """The same features as one writes them with numpy: the record is read whole, in physical units."""
    import wfdb

    record = wfdb.rdrecord(path)
    return list(_whole(record))


def _whole(record: Any) -> Iterator[dict[str, Any]]:
    import numpy as np

    from experiments.waveforms.functions import BANDS, QUANTILES, SEGMENT_S

    length = max(8, round(SEGMENT_S * record.fs))
    frequencies, window = np.fft.rfftfreq(length, 1 / record.fs), np.hanning(length + 1)[:-1]
    for number, name in enumerate(record.sig_name):
        signal = record.p_signal[:, number]
        there = signal[~np.isnan(signal)]
        segments = signal[: len(signal) // length * length].reshape(-1, length)
        segments = segments[~np.isnan(segments).any(axis=1)]
        spectra = np.abs(np.fft.rfft((segments - segments.mean(axis=1, keepdims=True)) * window)) ** 2
        power = spectra.sum(axis=0)
        total = power[1:].sum()
        bands = {band: power[(frequencies > band[0]) & (frequencies <= band[1])].sum() for band in BANDS}
        yield {
            "record": record.record_name,
            "signal": name,
            "unit": record.units[number],
            "recorded_at": f"{record.base_datetime.isoformat()}Z" if record.base_datetime else "",
            "samples": record.sig_len,
            "sampling_rate": float(record.fs),
            "missing_share": float(np.isnan(signal).mean()),
            "mean": float(there.mean()),
            "std": float(there.std()),
            "min": float(there.min()),
            "max": float(there.max()),
            **{f"q{round(100 * share):02}": float(np.quantile(there, share)) for share in QUANTILES},
            **{
                f"power_{low:g}_{high:g}_hz".replace(".", "p"): float(part / total) if total else float("nan")
                for (low, high), part in bands.items()
            },
        }


def _different(folder: Path) -> float:
    """The largest relative difference between the sides' features that is more than rounding; 0 where there is none."""
    sides = [_by_signal(json.loads((folder / f"{side}.json").read_text(encoding="utf-8"))) for side in SIDES]
    largest = 0.0
    for other in sides[1:]:
        if other.keys() != sides[0].keys():
            return float("inf")
        for key, row in sides[0].items():
            largest = max(largest, *(_apart(value, other[key][name]) for name, value in row.items()))
    return largest if largest > 1e-6 else 0.0


def _by_signal(rows: Rows) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["record"], row["signal"]): row for row in rows}


def _apart(one: Any, other: Any) -> float:
    if isinstance(one, str) or one == other or (one != one and other != other):
        return 0.0 if one == other or one != one else float("inf")
    return float(abs(one - other) / max(1e-3, abs(one), abs(other)))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        work(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
