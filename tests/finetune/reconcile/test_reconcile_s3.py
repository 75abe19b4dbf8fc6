"""Reconcile where the experiment home, or production, or both lie in S3: a real server, real kills."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from finetune.errors import ReconcileError, StorageError
from finetune.experiment import Home
from finetune.reconcile.journal import open_journal
from finetune.reconcile.labels import read_labels
from finetune.reconcile.manifest import write_manifest
from finetune.reconcile.occupant import refuse_other
from finetune.reconcile.reconcile import Reconciled, _record, reconcile
from finetune.reconcile.snapshot import take_snapshot
from finetune.reconcile.transfer import Source, Transfer
from finetune.storage.digest import Digest
from finetune.storage.objects import Objects
from finetune.storage.s3_lock import S3Lock
from finetune.storage.uri import S3Uri
from tests.finetune.s3_server import Weather, objects, put

ROOT = Path(__file__).parents[3]
IDS = 60


def write_label(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
    assert files == {"t": f"{home}/t"}
    content = {"label": row["label"], "size": Path(files["t"]).stat().st_size}
    Path(home, "label.json").write_text(json.dumps(content), encoding="utf-8")


class Place:
    """The same data in a local folder and in a bucket, and a home of either kind."""

    def __init__(self, folder: Path, bucket: str, *, ids: int = 6) -> None:
        self.folder, self.bucket = folder, bucket
        self.guids = [f"{number:03}" for number in range(ids)]
        self.rows = [{"guid": guid, "label": "xy"[int(guid) % 2]} for guid in self.guids]
        for guid in self.guids:
            (folder / "production" / guid).mkdir(parents=True)
            (folder / "production" / guid / "t").write_bytes(guid.encode() * 50)
        put(bucket, {f"production/{guid}/t": guid.encode() * 50 for guid in self.guids})

    def production(self, kind: str) -> str:
        return f"s3://{self.bucket}/production" if kind == "s3" else str(self.folder / "production")

    def home(self, kind: str) -> Home:
        return Home(f"s3://{self.bucket}/out" if kind == "s3" else str(self.folder / "out"), "EXP-1-x")

    def run(self, production: str = "s3", home: str | Home = "s3", **changes: Any) -> Reconciled:
        folder = self.production(production)
        snapshot = take_snapshot(self.rows, folder=folder, names=["t"], target=self.folder / "snapshot.parquet")
        settings: dict[str, Any] = {
            "home": self.home(home) if isinstance(home, str) else home,
            "production": folder,
            "files_from_production": ["t"],
            "files_at_home": ["t", "label.json"],
            "process_func": write_label,
            "process_hash": "1",
            "overwrite": False,
            "workers": 8,
            "target": self.folder / f"manifest-{production}-{self.counted()}.parquet",
        }
        return reconcile(snapshot, **{**settings, **changes})

    def counted(self) -> int:
        return len(list(self.folder.glob("manifest-*")))

    def at_home(self) -> dict[str, bytes]:
        found = objects(self.bucket, "out/EXP-1-x/data/reconciled_artifacts/")
        return {key.removeprefix("out/EXP-1-x/data/reconciled_artifacts/"): value for key, value in found.items()}


def rows_of(result: Reconciled) -> list[dict[str, Any]]:
    """The manifest without the hashes of what was copied: of S3's listing they are MD5, of local files SHA-256."""
    rows = result.manifest.rows(["guid", "label", "path", "size", "source", "hash", "hash_from"])
    copied = {"hash": None, "hash_from": None}
    return [{**row, **copied} if row["source"] != "process_func" else row for row in rows]


@pytest.fixture
def place(tmp_path: Path, bucket: str) -> Place:
    return Place(tmp_path, bucket)


@pytest.mark.parametrize("production", ["local", "s3"])
@pytest.mark.parametrize("home", ["local", "s3"])
def test_wherever_things_lie_the_manifest_is_the_same(home: str, production: str, place: Place) -> None:
    expected = rows_of(place.run("local", Home(str(place.folder / "other"), "EXP-1-x")))
    result = place.run(production, home)
    assert rows_of(result) == expected
    assert result.decisions == {"copy: absent": 6}
    refuse_other(place.home(home), result.manifest)
    again = place.run(production, home)
    assert again.decisions == {"skip: same size and hash": 6}
    assert again.manifest.path.read_bytes() == result.manifest.path.read_bytes()


def test_the_home_in_s3_holds_what_a_local_one_holds(place: Place) -> None:
    place.run()
    place.run("local", "local")
    local = place.home("local").reconciled
    assert isinstance(local, Path)
    files = {path.relative_to(local).as_posix(): path.read_bytes() for path in local.rglob("*") if path.is_file()}
    assert place.at_home() == files
    assert json.loads(objects(place.bucket)["out/EXP-1-x/data/unique_labels_and_counts.json"]) == {"x": 3, "y": 3}
    assert place.home("s3").is_complete


def test_a_change_in_production_is_copied_and_processed_and_nothing_else(place: Place) -> None:
    place.run()
    put(place.bucket, {"production/002/t": b"longer than before " * 20})
    calls = []

    def counted(row: dict[str, Any], files: dict[str, str], home: str, overwrite: bool) -> None:
        calls.append(row["guid"])
        write_label(row, files, home, overwrite)

    assert place.run(process_func=counted).decisions == {"skip: same size and hash": 5, "replace: size differs": 1}
    assert calls == ["002"]
    assert json.loads(place.at_home()["002/label.json"])["size"] == 380


def test_what_was_tampered_with_or_deleted_in_s3_is_made_good(place: Place) -> None:
    place.run()
    before = place.at_home()
    prefix = "out/EXP-1-x/data/reconciled_artifacts"
    put(place.bucket, {f"{prefix}/000/t": b"tampered" + b"0" * 142})
    boto3.client("s3").delete_object(Bucket=place.bucket, Key=f"{prefix}/001/t")
    boto3.client("s3").delete_object(Bucket=place.bucket, Key=f"{prefix}/002/label.json")
    decisions = place.run().decisions
    assert (decisions["replace: hash differs"], decisions["copy: absent"]) == (1, 1)
    assert place.at_home() == before


def test_copying_within_s3_brings_no_content_here(place: Place, weather: Weather) -> None:
    copies = {"process_func": None, "files_at_home": ["t"]}
    weather.rules({"operation": "GetObject", "latency": 1})
    assert place.run(**copies).decisions == {"copy: absent": 6}
    lock = 1  # read once, when it is given back
    assert len(weather.fired()) == lock
    weather.rules({"operation": "GetObject", "latency": 1}, {"operation": "HeadObject", "latency": 1})
    place.run(**copies)
    heads = 2 + 1  # of one object of each listing, whether a key encrypts it; of the lock
    assert len(weather.fired()) == lock + heads  # and none for each file: the listings tell the hashes


def test_a_home_in_s3_within_production_is_refused(place: Place) -> None:
    home = Home(f"s3://{place.bucket}/production/out", "EXP-1-x")
    with pytest.raises(ReconcileError, match="root: must not lie in production"):
        place.run(home=home)


def test_labels_come_from_a_database_in_s3(place: Place) -> None:
    import sqlite3

    with sqlite3.connect(place.folder / "labels.db") as connection:
        connection.execute("CREATE TABLE t AS SELECT 'a' AS guid, 'x' AS label")
    connection.close()
    put(place.bucket, {"key/labels.db": (place.folder / "labels.db").read_bytes()})
    url = f"s3://{place.bucket}/key/labels.db"
    assert list(read_labels(url, "SELECT * FROM t", {}, None)) == [{"guid": "a", "label": "x"}]
    with pytest.raises(StorageError, match=f"read s3://{place.bucket}/none.db: it is not there"):
        list(read_labels(f"s3://{place.bucket}/none.db", "SELECT 1", {}, None))


def test_what_a_policy_denies_is_told_object_by_object_and_the_others_are_at_home(place: Place) -> None:
    home = "out/EXP-1-x/data"
    denied = [f"{home}/reconciled_artifacts/{guid}/t" for guid in ("001", "003")]
    statements = [  # moto does not ask whether the source of a copy may be read
        {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{place.bucket}/{key}"}
        for key in denied
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    boto3.client("s3").put_bucket_policy(Bucket=place.bucket, Policy=policy)
    with pytest.raises(ReconcileError, match="2 files could not be copied, all others are at home"):
        place.run()
    lines = [json.loads(line) for line in objects(place.bucket, home)[f"{home}/failed.jsonl"].splitlines()]
    assert sorted(line["source"].removeprefix(f"{place.production('s3')}/") for line in lines) == ["001/t", "003/t"]
    assert all(line["operation"] == "copy" and "access is denied" in line["cause"] for line in lines)
    assert [path for path in place.at_home() if path.endswith("/t")] == ["000/t", "002/t", "004/t", "005/t"]
    boto3.client("s3").delete_bucket_policy(Bucket=place.bucket)
    assert place.run().decisions == {"copy: absent": 2, "skip: same size and hash": 4}
    assert f"{home}/failed.jsonl" not in objects(place.bucket, home)


def test_production_and_home_may_be_encrypted_with_keys_of_their_own(place: Place) -> None:
    expected, keys = rows_of(place.run()), [f"arn:aws:kms:us-east-1:123456789012:key/{side}" for side in ("one", "two")]
    client, home = boto3.client("s3"), f"{place.bucket}-home"
    client.create_bucket(Bucket=home)
    for bucket, key in zip((place.bucket, home), keys, strict=True):
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
        client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    put(place.bucket, {f"production/{guid}/t": guid.encode() * 50 for guid in place.guids})
    result = place.run(home=Home(f"s3://{home}/out", "EXP-1-x"))
    assert rows_of(result) == expected and result.decisions == {"copy: absent": 6}
    assert {row["hash_from"] for row in result.manifest.rows(["hash_from"])} == {"computed"}
    key = "out/EXP-1-x/data/reconciled_artifacts/000/t"
    assert client.head_object(Bucket=home, Key=key)["SSEKMSKeyId"] == keys[1]
    again = place.run(home=Home(f"s3://{home}/out", "EXP-1-x"))
    assert again.decisions == {"skip: same size and hash": 6}


def test_an_s3_that_fails_now_and_then_changes_nothing(place: Place, weather: Weather) -> None:
    weather.rules(
        {"probability": 0.05, "error": {"code": "SlowDown", "status": 503}},
        {"probability": 0.02, "reset": True},
        {"operation": "GetObject", "times": 3, "response": {"truncate_frac": 0.5}},
    )
    assert place.run().decisions == {"copy: absent": 6}
    weather.rules()
    assert place.run().decisions == {"skip: same size and hash": 6}
    assert len(place.at_home()) == 12


KILLED = """
import sys
from pathlib import Path
from finetune.experiment import Home
from finetune.reconcile.reconcile import reconcile
from finetune.reconcile.snapshot import Snapshot
def process(row, files, home, overwrite):
    Path(home, "label.json").write_text(row["label"])
folder, bucket = Path(sys.argv[1]), sys.argv[2]
reconcile(Snapshot(folder / "snapshot.parquet"), home=Home(f"s3://{bucket}/out", "EXP-1-x"),
          production=f"s3://{bucket}/production", files_from_production=["t"], files_at_home=["t", "label.json"],
          process_func=process, process_hash="0", overwrite=False, workers=2, target=folder / "killed.parquet")
"""


def settled(look: Callable[[], list[str]]) -> list[str]:
    """What is there once S3 has done what it was asked before the kill."""
    seen, now = None, look()
    while now != seen:
        time.sleep(0.5)
        seen, now = now, look()
    return now


def test_a_run_that_was_killed_while_copying_to_s3_copies_only_what_is_missing(
    tmp_path: Path, weather: Weather, bucket: str
) -> None:
    place = Place(tmp_path, bucket, ids=IDS)
    folder, target = place.production("s3"), tmp_path / "snapshot.parquet"
    take_snapshot(place.rows, folder=folder, names=["t"], target=target)
    command = [sys.executable, "-c", KILLED, str(tmp_path), bucket]
    weather.rules({"operation": "PutObject", "latency": 100})
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    while len(place.at_home()) < IDS // 2 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    weather.rules()
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    there = settled(lambda: [path for path in place.at_home() if path.endswith("/t")])
    assert 0 < len(there) < IDS
    result = place.run()
    assert result.decisions == {"skip: same size and hash": len(there), "copy: absent": IDS - len(there)}
    assert rows_of(result) == rows_of(place.run("local", "local"))


def test_a_reconcile_that_lost_its_homes_lock_touches_nothing_more(place: Place) -> None:
    home, names = place.home("s3"), (["t"], ["t", "label.json"])

    def lose(row: dict[str, Any], files: dict[str, str], folder: str, overwrite: bool) -> None:
        write_label(row, files, folder, overwrite)
        if row["guid"] == "001":
            put(place.bucket, {str(home.lock).removeprefix(f"s3://{place.bucket}/"): b"another"})
            with pytest.raises(StorageError):
                until_raised(held.check)

    def sources(guid: str) -> list[Source]:
        digest = Digest.of_bytes(guid.encode() * 50)
        return [Source(f"{place.production('s3')}/{guid}/t", 150, "", digest, "computed")]

    lock = S3Lock(Objects(), S3Uri.parse(str(home.lock)), renew_seconds=0.1)
    with lock.locked("the home") as held, open_journal(home, "1") as journal, ThreadPoolExecutor(1) as pool:
        at = (home.storage, place.production("s3"), str(home.reconciled), str(place.folder))
        transfer = Transfer(*at, *names, lose, False, journal, held, pool)
        for guid in ("001", "002"):
            with pytest.raises(StorageError, match="another process took it over.*another process may be writing"):
                transfer.bring_home([({"guid": guid, "label": "x"}, sources(guid))], {})
        with pytest.raises(StorageError, match="another process took it over"):
            _record(home, held, write_manifest(place.folder / "manifest.parquet", rows={}, kept={}, dropped={}))
    assert list(place.at_home()) == ["001/t"]
    assert [key for key in objects(place.bucket) if key.startswith("out/") and not key.endswith("001/t")] == [
        str(home.lock).removeprefix(f"s3://{place.bucket}/")
    ]


def until_raised(call: Callable[[], None]) -> None:
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        call()
        time.sleep(0.05)
