"""Measures copying 10,000 objects on SeaweedFS through a proxy: undisturbed, and with 503s, resets and spoilt bodies.

Of half of the objects a SHA-256 is told, as a database tells one: they are read and written. The others are copied by
the server, which answers with the copy's MD5. A body, of an object or of an answer, breaks off with its connection,
arrives shorter than it is as if that were all, or with other bytes. The proxy leaves out the length of an answer: for
objects a rule puts it back, of the whole body or of what is sent of it.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import argparse
import json
import os
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import boto3

from benchmarks.bringing_home import NAME, bring_home, wrong_or_missing
from benchmarks.figure import all_of, json_line, under
from benchmarks.object_store import account, microburst, seaweedfs
from benchmarks.workspace import note
from finetune.storage.counter import RETRIES
from finetune.storage.digest import Digest
from finetune.storage.publish import publish
from finetune.storage.session import use_session

SIZE = 1_024
HALF, CUT = SIZE // 2, 80
Rule = dict[str, Any]


def _body(length: int, **response: float) -> Rule:
    """A rule for the bodies of production's objects."""
    headers = {"Content-Length": str(length)}
    return {"operation": "GetObject", "resource": "production", "response": {"set_headers": headers, **response}}


def _answer(**response: float) -> Rule:
    """A rule for the answers to what is written to homes, copies among them."""
    return {"operation": "PutObject", "resource": "copies", "response": response}


FAULTS: dict[str, Rule] = {
    "503": {"probability": 0.01, "error": {"code": "SlowDown", "status": 503}},
    "reset": {"probability": 0.005, "reset": True},
    "broken off": {"probability": 0.001, **_body(SIZE, abort_bytes=HALF)},
    "cut short": {"probability": 0.001, **_body(HALF, truncate_bytes=HALF)},
    "corrupt": {"probability": 0.001, **_body(SIZE, corrupt_bytes=3)},
    "answer broken off": {"probability": 0.001, **_answer(abort_bytes=CUT)},
    "answer cut short": {"probability": 0.001, **_answer(truncate_bytes=CUT)},
    "answer corrupt": {"probability": 0.001, **_answer(corrupt_bytes=3)},
}
"""What befalls requests; of bodies 0.2 % are truncated, in either way."""
ALWAYS = _body(SIZE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000, help="objects to copy")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of each side")
    asked = parser.parse_args()
    seconds: dict[str, list[float]] = {"undisturbed": [], "disturbed": []}
    wrong, before, befallen = 0, RETRIES.count, Counter[str]()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name, seaweedfs(Path(name)) as address:
        os.environ.update(account(address))
        _load(Path(name, "files"), asked.objects)
        told = {path.name: Digest.of_file(path / NAME) for path in Path(name, "files").iterdir() if int(path.name) % 2}
        with microburst(address) as proxy:
            os.environ.update(account(proxy))
            use_session(lambda: boto3.session.Session())  # so that the process's client is made anew
            for turn in range(asked.repeats):
                for side in seconds if turn % 2 == 0 else reversed(seconds):
                    named = _rules(proxy, [*(FAULTS.values() if side == "disturbed" else []), ALWAYS])
                    place = f"s3://copies/{side}-{turn}"
                    started = time.perf_counter()
                    bring_home("s3://production/files", place, told)
                    seconds[side].append(time.perf_counter() - started)
                    note(f"{side}: {seconds[side][-1]:.2f} s")
                    if side == "disturbed":
                        befallen.update(_fired(proxy, dict(zip(named, FAULTS, strict=False))))
                    _rules(proxy, [])
                    wrong += wrong_or_missing(place, Path(name, "files")) if side == "disturbed" else 0
    total = asked.objects * asked.repeats
    print(
        json_line(
            "faults",
            under(median(seconds["disturbed"]) / median(seconds["undisturbed"]), 1.5, "x the undisturbed time"),
            {"right": all_of(total - wrong, total, "objects")},
            faults=dict(befallen),
            retries=RETRIES.count - before,
            seconds={side: [round(each, 2) for each in found] for side, found in seconds.items()},
        )
    )


def _load(folder: Path, count: int) -> None:
    for number in range(count):
        (folder / f"{number:06}").mkdir(parents=True)
        (folder / f"{number:06}" / NAME).write_bytes(os.urandom(SIZE))
    for bucket in ("production", "copies"):
        boto3.client("s3").create_bucket(Bucket=bucket)
    publish(folder, "s3://production/files")


def _rules(proxy: str, rules: Sequence[Rule]) -> list[int]:
    """Sets the proxy's rules, and gives their numbers there."""
    found = _ask(proxy, "rules", [{"service": "s3", **rule} for rule in rules])
    return [rule["id"] for rule in found]


def _fired(proxy: str, named: Mapping[int, str]) -> Counter[str]:
    """How often each of these rules has been applied."""
    found = {rule["id"]: rule["fired"] for rule in _ask(proxy, "stats")["by_rule"]}
    return Counter({name: found.get(number, 0) for number, name in named.items()})


def _ask(proxy: str, what: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{proxy}/_microburst/{what}", data=data, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


if __name__ == "__main__":
    main()
