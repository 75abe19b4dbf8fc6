"""Storage in S3, against a real S3 server, in good weather and in bad."""

import hashlib
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from finetune.errors import ReconcileError, StorageError
from finetune.storage.counter import RETRIES
from finetune.storage.digest import Digest
from finetune.storage.failures import ObjectError
from finetune.storage.objects import Objects
from finetune.storage.plan import Copy
from finetune.storage.s3_copy import THROUGH
from finetune.storage.s3_lock import S3Lock
from finetune.storage.storage import Storage, storage_of
from finetune.storage.uri import S3Uri
from finetune.storage.within_s3 import copy_within
from tests.finetune.s3_server import Weather, environment, objects, put


@pytest.fixture
def storage(bucket: str) -> Storage:
    return storage_of(f"s3://{bucket}")


def copy_of(source: str, destination: str, content: bytes, version: str = "") -> Copy:
    return Copy(source, destination, len(content), version, Digest.of_bytes(content))


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_ids_are_listed_page_by_page_with_the_files_that_are_called_for(storage: Storage, bucket: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: put(bucket, {f"p/{number:04}/a": b"1"}), range(1_100)))
    put(bucket, {"p/x/b": b"22", "p/x/a": b"1", "p/x-y/c": b"", "p/stray": b"", "p/deep/er/a": b"", "px/z/a": b""})
    found = dict(storage.list_ids(f"s3://{bucket}/p", ["b", "a"]))
    assert len(found) == 1_103
    assert [(file.name, file.size) for file in found["x"]] == [("b", 2), ("a", 1)]
    assert found["x-y"] == found["deep"] == []
    assert "stray" not in found


def test_a_changed_object_has_another_version(storage: Storage, bucket: str) -> None:
    def version() -> str:
        return dict(storage.list_ids(f"s3://{bucket}/p", ["a"]))["x"][0].version

    put(bucket, {"p/x/a": b"old"})
    before = version()
    put(bucket, {"p/x/a": b"new"})
    assert version() != before


@pytest.mark.parametrize("size", [0, 1, 9 * 1024**2])
def test_what_is_put_comes_back_and_its_hash_is_kept(size: int, storage: Storage, bucket: str, tmp_path: Path) -> None:
    content = os.urandom(size)
    (tmp_path / "a").write_bytes(content)
    storage.copy(copy_of(str(tmp_path / "a"), f"s3://{bucket}/x/a", content), scratch="")
    storage.fetch(f"s3://{bucket}/x/a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == content
    assert boto3.client("s3").head_object(Bucket=bucket, Key="x/a")["Metadata"] == {"sha256": sha(content)}
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize("size", [3, 9 * 1024**2])
def test_a_file_of_another_content_than_expected_is_not_put(
    size: int, storage: Storage, bucket: str, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(b"0" * size)
    with pytest.raises(ObjectError, match=rf"copy {tmp_path}/a -> s3://{bucket}/x: .* and {sha(b'')} was expected"):
        storage.copy(copy_of(str(tmp_path / "a"), f"s3://{bucket}/x", b"")._replace(size=size), scratch="")
    assert objects(bucket) == {}


@pytest.mark.parametrize("kind", ["md5", "sha256", "sha1"])
def test_of_a_large_object_the_server_makes_the_copy_and_tells_its_hash(
    kind: str, storage: Storage, weather: Weather, bucket: str
) -> None:
    content = os.urandom(THROUGH + 1)
    put(bucket, {"p/x/a": content})
    [(_, [listed])] = storage.list_ids(f"s3://{bucket}/p", ["a"])
    assert listed.digest == Digest.of_bytes(content, "md5")
    weather.rules({"operation": "GetObject", "latency": 1})
    target, digest = f"s3://{bucket}/h/x/a", Digest.of_bytes(content, kind)
    file = Copy(f"s3://{bucket}/p/x/a", target, listed.size, listed.version, digest)
    storage.copy(file, scratch="")
    assert weather.fired() == []
    assert storage.holds(target, file)
    assert storage.known_hash(target, listed.version) == (digest.value if kind == "sha256" else None)
    with pytest.raises(ObjectError, match=f"copy {file.source} -> {target}: its {kind} is {digest.value}, and 0"):
        storage.copy(file._replace(digest=Digest(kind, "0" * len(digest.value))), scratch="")
    assert not storage.exists(target)


def test_an_object_beyond_the_limit_of_one_request_is_copied_in_parts(bucket: str) -> None:
    content = os.urandom(12 * 1024**2)
    put(bucket, {"p/x/a": content})
    found = Objects().head(S3Uri(bucket, "p/x/a"))
    assert found is not None
    file = Copy(f"s3://{bucket}/p/x/a", f"s3://{bucket}/h", found.size, found.version, Digest.of_bytes(content))
    copy_within(Objects(), file, lightly=False, largest=6 * 1024**2)
    assert objects(bucket, "h") == {"h": content}
    assert boto3.client("s3").head_object(Bucket=bucket, Key="h")["ETag"].endswith('-2"')
    put(bucket, {"p/x/a": content[::-1]})
    with pytest.raises(ClientError, match="Precondition"):
        copy_within(Objects(), file, lightly=False, largest=6 * 1024**2)


@pytest.mark.parametrize("key", ["a//b", "a/../b", "a/./b", "x\ty", "ü 😀#?&+", "k" * 1_020, "a%2Fb"])
@pytest.mark.parametrize("content", [b"", b"1"])
def test_odd_keys_are_copied_as_they_are(key: str, content: bytes, storage: Storage, bucket: str) -> None:
    put(bucket, {f"p/{key}": content})
    storage.copy(copy_of(f"s3://{bucket}/p/{key}", f"s3://{bucket}/h/{key}", content), scratch="")
    assert objects(bucket, "h/") == {f"h/{key}": content}


def test_an_object_that_changed_after_it_was_listed_is_refused(storage: Storage, bucket: str) -> None:
    put(bucket, {"p/x/a": b"old"})
    [(_, [listed])] = storage.list_ids(f"s3://{bucket}/p", ["a"])
    put(bucket, {"p/x/a": b"new"})
    with pytest.raises(StorageError, match=rf"read s3://{bucket}/p/x/a: it changed since it was listed; start the run"):
        storage.hash(f"s3://{bucket}/p/x/a", listed.version)


def test_a_foreign_object_is_read_to_know_its_hash(storage: Storage, bucket: str) -> None:
    put(bucket, {"a": b"foreign"})
    found = storage.find(f"s3://{bucket}/a")
    assert found is not None
    assert found.hash() == sha(b"foreign")


def test_of_many_who_claim_a_folder_one_gets_it(storage: Storage, bucket: str) -> None:
    got = []
    threads = [threading.Thread(target=lambda: got.append(storage.claim(f"s3://{bucket}/runs/1"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False, False, False, True]
    assert storage.folders(f"s3://{bucket}/runs") == ["1"]


def test_a_folder_is_staged_and_what_changed_there_is_uploaded(storage: Storage, bucket: str, tmp_path: Path) -> None:
    put(bucket, {"h/x/same": b"same", "h/x/more": b"1", "h/x/less": b"2"})
    before = boto3.client("s3").head_object(Bucket=bucket, Key="h/x/same")["LastModified"]
    with storage.staged(f"s3://{bucket}/h/x", str(tmp_path)) as folder:
        assert sorted(os.listdir(folder)) == ["less", "more", "same"]
        Path(folder, "more").write_text("11")
        Path(folder, "new").write_text("3")
        Path(folder, "less").unlink()
    assert objects(bucket) == {"h/x/same": b"same", "h/x/more": b"11", "h/x/new": b"3"}
    assert boto3.client("s3").head_object(Bucket=bucket, Key="h/x/same")["LastModified"] == before
    assert os.listdir(tmp_path) == []


def test_nothing_is_uploaded_when_the_work_on_a_staged_folder_fails(
    storage: Storage, bucket: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="torn"), storage.staged(f"s3://{bucket}/h/x", str(tmp_path)) as folder:
        Path(folder, "half").write_text("1")
        raise ValueError("torn")
    assert objects(bucket) == {}
    assert os.listdir(tmp_path) == []


def test_files_at_hand_are_gone_afterwards(storage: Storage, bucket: str) -> None:
    put(bucket, {"h/x/a": b"1", "h/y/a": b"2", "h/y/b": b"3"})
    with storage.at_hand(f"s3://{bucket}/h", ["y", "x"], ["a"]) as folder:
        assert {path.relative_to(folder).as_posix(): path.read_text() for path in Path(folder).rglob("a")} == {
            "x/a": "1",
            "y/a": "2",
        }
    assert not Path(folder).exists()


# Bad weather


def test_503_and_resets_for_a_while_are_ridden_out(storage: Storage, weather: Weather, bucket: str) -> None:
    put(bucket, {"a": b"abc"})
    weather.rules(
        {"operation": "GetObject", "times": 3, "error": {"code": "SlowDown", "status": 503}},
        {"operation": "GetObject", "times": 2, "reset": True},
    )
    before = len(weather.fired())
    assert storage.hash(f"s3://{bucket}/a") == sha(b"abc")
    assert len(weather.fired()) - before == 5


@pytest.mark.parametrize("fault", [{"truncate_frac": 0.5}, {"abort_frac": 0.3}, {"corrupt_bytes": 8}])
def test_a_body_that_breaks_off_or_is_corrupted_is_read_again_and_counted(
    fault: dict[str, Any], storage: Storage, weather: Weather, bucket: str, tmp_path: Path
) -> None:
    content, before = os.urandom(300_000), RETRIES.count
    put(bucket, {"a": content})
    weather.rules({"operation": "GetObject", "times": 2, "response": fault})
    storage.fetch(f"s3://{bucket}/a", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == content
    assert RETRIES.count - before == 2


# Errors that say what to do


@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        ("AccessDenied", 403, "access is denied: the bucket belongs to another account"),
        ("ExpiredToken", 400, "the AWS credentials have expired; sign in again"),
        ("InvalidAccessKeyId", 403, "AWS does not know the access key"),
        ("AuthorizationHeaderMalformed", 400, "the bucket lies in another region; set AWS_REGION"),
    ],
)
@pytest.mark.parametrize("verb", ["read", "write", "list"])
def test_what_s3_refuses_is_told_with_what_to_do(
    code: str, status: int, advice: str, verb: str, storage: Storage, weather: Weather, bucket: str
) -> None:
    put(bucket, {"a": b"1"})
    operations = {"read": "GetObject", "write": "PutObject", "list": "ListObjectsV2"}
    weather.rules({"operation": operations[verb], "error": {"code": code, "status": status}})
    with pytest.raises(StorageError, match=rf"{verb} s3://{bucket}\S*: {advice}"):
        if verb == "read":
            storage.read(f"s3://{bucket}/a")
        elif verb == "write":
            storage.write(f"s3://{bucket}/b", b"")
        else:
            list(storage.below(f"s3://{bucket}/x"))


def test_a_bucket_that_is_not_there_is_named(storage: Storage) -> None:
    with pytest.raises(StorageError, match="list s3://no-such-bucket/x: the bucket does not exist; correct its name"):
        list(storage.below("s3://no-such-bucket/x"))
    with pytest.raises(StorageError, match="write s3://no-such-bucket/x: the bucket does not exist"):
        storage.write("s3://no-such-bucket/x", b"")


def test_without_credentials_the_user_is_told_to_sign_in(storage: Storage, bucket: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ACCESS_KEY_ID")
        patch.delenv("AWS_SECRET_ACCESS_KEY")
        with environment(), pytest.raises(StorageError, match="there are no AWS credentials .* sign in with `aws sso"):
            storage.read(f"s3://{bucket}/a")


def test_a_scratch_that_is_no_folder_is_named(storage: Storage, bucket: str, tmp_path: Path) -> None:
    put(bucket, {"a": b"1"})
    with pytest.raises(ReconcileError, match=f"copy s3://{bucket}/a -> {tmp_path}/none/a: No such file"):
        storage.fetch(f"s3://{bucket}/a", tmp_path / "none" / "a")


# Locks


def lock(bucket: str, **settings: float) -> S3Lock:
    return S3Lock(Objects(), S3Uri(bucket, "lock"), look_seconds=0.1, **settings)


def test_a_lock_is_held_by_one_and_free_afterwards(bucket: str) -> None:
    with lock(bucket).try_locked() as first, lock(bucket).try_locked() as second:
        assert first is not None and second is None
    assert objects(bucket) == {}


def test_a_lock_of_another_machine_is_taken_over_when_it_was_not_renewed(
    bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(bucket, {"lock": b'{"host": "elsewhere", "process": 7, "since": "noon"}'})
    with lock(bucket).try_locked() as free:
        assert not free
    with lock(bucket, stale_seconds=1.0).locked("the home"):
        assert b"elsewhere" not in objects(bucket)["lock"]
    said = capsys.readouterr().err
    assert "the home is busy: process 7 on elsewhere since noon holds" in said
    assert "replaced 1 s after its last sign of life" in said


def test_a_lock_that_is_renewed_stays(bucket: str) -> None:
    with lock(bucket, stale_seconds=2.0, renew_seconds=0.3).locked("x") as held:
        ends = time.monotonic() + 4
        while time.monotonic() < ends:
            with lock(bucket, stale_seconds=2.0).try_locked() as free:
                assert not free
            time.sleep(0.2)
        held.check()


def test_a_holder_whose_lock_was_taken_is_told(bucket: str) -> None:
    with lock(bucket, renew_seconds=0.1).locked("x") as held:
        put(bucket, {"lock": b"another"})
        ends = time.monotonic() + 10
        while time.monotonic() < ends:
            try:
                held.check()
            except StorageError as error:
                assert "another process took it over" in str(error)
                break
            time.sleep(0.05)
        else:
            pytest.fail("not told")
    assert objects(bucket) == {"lock": b"another"}


def test_a_holder_that_slept_keeps_a_lock_that_nobody_took(bucket: str) -> None:
    with lock(bucket, stale_seconds=0.2, renew_seconds=60).locked("x") as held:
        time.sleep(0.4)
        held.check()
        put(bucket, {"lock": b"another"})
        time.sleep(0.4)
        with pytest.raises(StorageError, match=r"the lock s3://.* was lost \(another process took it over\)"):
            held.check()
        with pytest.raises(StorageError, match="start the run again: what is done already stays"):
            held.check()
    assert objects(bucket) == {"lock": b"another"}


def test_a_holder_that_s3_does_not_answer_has_lost_its_lock(bucket: str, weather: Weather) -> None:
    with lock(bucket, stale_seconds=0.2, renew_seconds=60).locked("x") as held:
        weather.rules({"operation": "HeadObject", "error": {"code": "AccessDenied", "status": 403}})
        time.sleep(0.4)
        with pytest.raises(StorageError, match="it could not be renewed for 0 s"):
            held.check()
        weather.rules()
