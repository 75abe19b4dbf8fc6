"""Many objects on a SeaweedFS, which checks credentials and orders names of folders: none lost, failures told."""

import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest

from benchmarks.object_store import account, binary, seaweedfs
from finetune.errors import ReconcileError, StorageError
from finetune.experiment import Home
from finetune.reconcile.journal import open_journal
from finetune.reconcile.transfer import Source, Transfer
from finetune.storage.digest import Digest
from finetune.storage.objects import Objects
from finetune.storage.parallel_listing import pages_in_parallel
from finetune.storage.plan import Copy
from finetune.storage.publish import publish
from finetune.storage.storage import storage_of
from finetune.storage.uri import S3Uri
from tests.finetune.s3_server import environment, objects, put

IDS = 1_100


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    try:
        binary("weed")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory() as folder, seaweedfs(Path(folder)) as address, environment(**account(address)):
        yield address


@pytest.fixture(scope="module")
def many(server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bucket with production in it: ids that count up, and some that are the beginning of others."""
    boto3.client("s3").create_bucket(Bucket="many")
    folder = tmp_path_factory.mktemp("many")
    for guid in (*(f"{number * 7:05}" for number in range(IDS)), "00700-x", "00700.y", "é", "a b", "a%2Fb+&="):
        (folder / guid).mkdir()
        (folder / guid / "t").write_bytes(guid.encode() * 3)
    (folder / "00007" / "t").write_bytes(b"")
    publish(folder, "s3://many/production")
    return "s3://many/production"


def sources(production: str) -> dict[str, Source]:
    found = storage_of(production).list_ids(production, ["t"])
    return {
        guid: Source(f"{production}/{guid}/t", file.size, file.version, file.digest or Digest("md5", ""), "etag")
        for guid, [file] in found
    }


def bring(production: dict[str, Source], root: str, scratch: Path) -> tuple[dict[str, int], Transfer]:
    Path(scratch, "out/EXP-1-x/data/reconciled_artifacts").mkdir(parents=True, exist_ok=True)
    home, batch = Home(root, "EXP-1-x"), [({"guid": guid}, [production[guid]]) for guid in sorted(production)]
    with (
        home.storage.locked(str(home.lock), "the home") as lock,
        open_journal(home, "") as journal,
        ThreadPoolExecutor(8) as pool,
    ):
        at = (home.storage, "", str(home.reconciled), str(scratch))
        transfer = Transfer(*at, ["t"], ["t"], None, False, journal, lock, pool)
        came = transfer.bring_home(batch, transfer.look(batch))
        assert [guid for guid, files in came if files] == [guid for guid, _ in came]
    return dict(transfer.decisions), transfer


def test_all_are_listed_once_however_the_listing_is_divided(many: str) -> None:
    expected = sorted(each.path for each in Objects().below(S3Uri.parse(many)))
    assert len(expected) == IDS + 5
    for alone in (0, 1, 100):
        pages = list(pages_in_parallel(Objects(), S3Uri.parse(many), alone))
        assert sorted(each.path for page in pages for each in page) == expected
        ids = [{each.path.partition("/")[0] for each in page} for page in pages]
        assert sum(map(len, ids)) == len(set().union(*ids))


def test_all_come_home_and_a_second_run_finds_them_there(many: str, tmp_path: Path) -> None:
    there = sources(many)
    assert bring(there, "s3://many/out", tmp_path)[0] == {"copy: absent": IDS + 5}
    assert bring(there, "s3://many/out", tmp_path)[0] == {"skip: same size and hash": IDS + 5}
    home = Home("s3://many/out", "EXP-1-x")
    assert {guid: each.digest for guid, each in there.items()} == {
        guid: file.digest for guid, [file] in home.storage.list_ids(str(home.reconciled), ["t"])
    }
    some = {guid: there[guid] for guid in ("a b", "é", "00007")}
    assert bring(some, str(tmp_path / "out"), tmp_path)[0] == {"copy: absent": 3}
    assert (tmp_path / "out/EXP-1-x/data/reconciled_artifacts/é/t").read_text() == "é" * 3


def test_what_vanished_changed_or_is_of_another_hash_is_told_at_the_end_and_the_others_are_at_home(
    server: str, tmp_path: Path
) -> None:
    boto3.client("s3").create_bucket(Bucket="failing")
    put("failing", {f"production/{number:02}/t": b"%d" % number for number in range(30)})
    there = sources("s3://failing/production")
    for number in range(22):
        boto3.client("s3").delete_object(Bucket="failing", Key=f"production/{number:02}/t")
    put("failing", {"production/22/t": b"changed"})
    there["23"] = there["23"]._replace(digest=Digest("md5", "0" * 32))
    decisions, transfer = bring(there, "s3://failing/out", tmp_path)
    assert decisions == {"copy: absent": 30}
    with pytest.raises(ReconcileError, match="24 files could not be copied, all others are at home") as raised:
        transfer.refuse_failures()
    place = "out/EXP-1-x/data/failed.jsonl"
    assert f"all are listed in s3://failing/{place}" in str(raised.value)
    assert "  and 4 more" in str(raised.value) and str(raised.value).count("\n") == 21
    lines = [json.loads(line) for line in objects("failing", place)[place].splitlines()]
    causes = {line["source"].split("/")[-2]: line["cause"] for line in lines}
    assert sorted(causes) == [f"{number:02}" for number in range(24)]
    assert "it is not there" in causes["00"]
    assert "it changed since it was listed" in causes["22"]
    assert f"and {'0' * 32} was expected" in causes["23"]
    assert lines[0].keys() == {"operation", "source", "destination", "cause"}
    home = Home("s3://failing/out", "EXP-1-x")
    assert len(list(home.storage.list_ids(str(home.reconciled), ["t"]))) == 6


@pytest.mark.parametrize("key", ["a b", "ü😀", "#?&+=~*%20", "x\ty", "k" * 250])
def test_odd_keys_are_copied_as_they_are(key: str, many: str, tmp_path: Path) -> None:
    put("many", {f"odd/{key}/t": b"1"})
    copied = Copy(f"s3://many/odd/{key}/t", f"s3://many/copied/{key}/t", 1, "", Digest.of_bytes(b"1"))
    storage_of("s3://many").copy(copied, scratch="")
    assert objects("many", f"copied/{key}/") == {f"copied/{key}/t": b"1"}


def test_a_wrong_secret_ends_the_run_at_once(many: str, tmp_path: Path) -> None:
    there = sources(many)
    with (
        environment(AWS_SECRET_ACCESS_KEY=os.urandom(8).hex()),
        pytest.raises(StorageError, match="AWS does not know the access key"),
    ):
        storage_of(many).copy(Copy(there["é"].path, "s3://many/x", 6, "", there["é"].digest), scratch="")
