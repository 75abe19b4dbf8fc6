"""Measures a server of EXP-3333's model: texts/s against the bare model in a loop, latency under load, and a soak.

Server and bare loop get the same batches of real texts in turns, each in a process of its own; medians of three are
compared. The bare loop is collate and forward alone, on texts that were encoded before. Latency is measured with single
texts, at an even rate of half of what the server answers at most. In the soak one request of a hundred is malformed:
each must be refused, each other one answered, and the memory of the server must stay. `--full` soaks for 10 minutes.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import argparse
import json
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median

import psutil

from benchmarks.figure import at_least, json_line, under
from benchmarks.load import HEADERS, Asked, Load, at_once, at_rate
from benchmarks.served import FILE, Example, Server, bare_loop, example, served
from benchmarks.workspace import note
from cli.environment import quiet_defaults

GOAL, TAIL, GROWTH = 0.9, 3.0, 5.0
REPEATS, BATCH, BATCHES, CLIENTS = 3, 32, 10, 2
SINGLES, LATENCY_S, SOAK_S, FULL_SOAK_S = 300, 30.0, 60.0, 600.0
MEGABYTE = 1_000_000

MALFORMED = (
    Asked(b"", HEADERS, 400),
    Asked(b'{"raw_text.json": {"text": ', HEADERS, 400),
    Asked(b"[1, 2]", HEADERS, 400),
    Asked('{"raw_text.json": "é"}'.encode("latin-1"), HEADERS, 400),
    Asked(b"{}", {"Content-Type": "application/json; charset=utf-16"}, 415),
    Asked(b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    Asked(b'{"../raw_text.json": "x"}', HEADERS, 400),
    Asked(b" " * 30_000_000, HEADERS, 413),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="soaks for 10 minutes, not for one")
    full = parser.parse_args().full
    quiet_defaults()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        made = example(Path(folder), BATCH * BATCHES)
        with served(made.package, Path(folder)) as server:
            speed, encoding = _throughput(made, server)
            single = [_request([path]) for path in made.files[:SINGLES]]
            most, even = _latency(server, single)
            soak, growth, memory = _soak(
                server, single, len(single) / most.seconds / 2, FULL_SOAK_S if full else SOAK_S
            )
    print(
        json_line(
            "serve",
            at_least(speed["server"] / speed["bare"], GOAL, "of the bare model's texts/s"),
            {
                "p99_of_p50": under(
                    even.percentile(0.99) / even.percentile(0.5), TAIL, "x at half of the maximum load"
                ),
                "soak_failures": under(len(soak.failures), 1, "requests"),
                "memory_growth": under(growth, GROWTH, "% in the soak"),
            },
            texts_per_second={name: round(value, 1) for name, value in speed.items()},
            encoding_alone_texts_per_second=round(encoding),
            batch=BATCH,
            milliseconds={f"p{share}": round(even.percentile(share / 100), 1) for share in (50, 90, 99)},
            single_texts_per_second={"at_most": round(len(single) / most.seconds, 1), "half": round(_rate(even), 1)},
            soak={"seconds": round(soak.seconds), "requests": len(soak.latencies), "megabytes": memory},
            wrong=soak.failures[:3],
        )
    )


def _request(paths: Sequence[Path]) -> Asked:
    instances = [{FILE: path.read_text(encoding="utf-8")} for path in paths]
    return Asked(json.dumps({"instances": instances}).encode(), HEADERS)


def _throughput(made: Example, server: Server) -> tuple[dict[str, float], float]:
    """Texts/s of server and bare loop, and of encoding alone; medians."""
    batches = [made.files[start : start + BATCH] for start in range(0, len(made.files), BATCH)]
    requests = [_request(batch) for batch in batches]
    texts, sides = len(made.files), {"server": [], "bare": [], "encode": []}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for turn in range(REPEATS + 1):
            for side in ("server", "bare") if turn % 2 == 0 else ("bare", "server"):
                if side == "server":
                    sides["server"].append(texts / _answered(at_once(server.port, requests, CLIENTS)).seconds)
                else:
                    seconds = pool.submit(bare_loop, made.model, batches).result()
                    sides["bare"].append(texts / seconds["model"])
                    sides["encode"].append(texts / seconds["encode"])
                note(f"{side}: {sides[side][-1]:,.1f} texts/s{' (to warm up)' if turn == 0 else ''}")
    return {side: median(sides[side][1:]) for side in ("server", "bare")}, median(sides["encode"][1:])


def _answered(load: Load) -> Load:
    if load.failures:
        raise RuntimeError(f"{len(load.failures)} requests failed, for example {load.failures[0]}")
    return load


def _latency(server: Server, single: Sequence[Asked]) -> tuple[Load, Load]:
    """The load at the maximum, and at an even half of it."""
    most = _answered(at_once(server.port, single, CLIENTS))
    note(f"single texts: {len(single) / most.seconds:,.1f}/s at most")
    even = _answered(at_rate(server.port, single, len(single) / most.seconds / 2, LATENCY_S, clients=16))
    note(f"at half of that: p50 {even.percentile(0.5):.1f} ms, p99 {even.percentile(0.99):.1f} ms")
    return most, even


def _rate(load: Load) -> float:
    return len(load.latencies) / load.seconds


def _soak(server: Server, single: Sequence[Asked], rate: float, seconds: float) -> tuple[Load, float, list[int]]:
    """The load, the growth of the server's memory in per cent, and its megabytes at some moments."""
    mixed = [
        MALFORMED[index // 100 % len(MALFORMED)] if index % 100 == 0 else single[index % len(single)]
        for index in range(int(rate * seconds))
    ]
    samples: list[float] = []
    ended, process = threading.Event(), psutil.Process(server.pid)

    def watch() -> None:
        while not ended.wait(seconds / 60):
            samples.append(process.memory_info().rss / MEGABYTE)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    load = at_rate(server.port, mixed, rate, seconds, clients=16)
    ended.set()
    watcher.join()
    early, late = median(samples[5:15]), median(samples[-10:])
    note(f"soak: {len(load.latencies):,} requests, {len(load.failures)} failures, {early:.0f} to {late:.0f} MB")
    return load, (late - early) / early * 100, [round(each) for each in samples[:: max(len(samples) // 6, 1)]]


if __name__ == "__main__":
    main()
