"""Two instances of one job as two processes, with folders and a leader's file of their own, and a real S3 server."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from finetune.errors import PrepareError
from finetune.job.failure import left
from finetune.job.hosts import HOSTS, Hosts
from finetune.job.task import WANTED, Task, blame_of
from finetune.shards.dealt import Deal, encode_dealt
from finetune.shards.group import Group, gather, make_missing
from finetune.shards.merge import ALL, merge
from finetune.shards.plan import File, Plan, Unit, make_plan
from finetune.shards.work import Work
from finetune.storage.storage import storage_of
from materializers.dataset import content_hash
from tests.on_path import on_path

ROOT = Path(__file__).resolve().parents[3]
PROJECT = Path(__file__).with_name("project")
NAMES = ("algo-1", "algo-2")
CALLS = ("get_dataset_features", "encode_data")
TEXTS = {f"id{number:02}": "word " * (1 + number % 9) for number in range(40)}


@pytest.fixture(autouse=True)
def project() -> Iterator[None]:
    with on_path(PROJECT):
        yield


class Job:
    """A job whose instances find what was dealt to them in `files` of their own folders."""

    def __init__(self, folder: Path, bucket: str, texts: dict[str, str]) -> None:
        self.folder, self.texts = folder, texts
        self.files, self.parts = f"s3://{bucket}/files", f"s3://{bucket}/parts"
        self.wanted, self.others = folder / "wanted.json", folder / "others"
        self.others.mkdir()
        for guid, text in texts.items():
            storage_of(self.files).write(f"{self.files}/{guid}/text.txt", text.encode())

    def deal(self, host: str, guids: list[str]) -> None:
        (self.folder / host / "files").mkdir(parents=True)
        for guid in guids:
            (self.folder / host / "files" / guid).mkdir()
            (self.folder / host / "files" / guid / "text.txt").write_text(self.texts[guid])

    def plan(self) -> Plan:
        units = [Unit(guid, guid, [File("text.txt", len(text), "1")], "even") for guid, text in self.texts.items()]
        return make_plan(lambda: units, groups=1, about={}, target=self.folder / "plan.parquet")[0]

    def work(self) -> Work:
        return Work("parts", CALLS, self.files, None, {}, 5, 300, False, self.parts)

    def encode(self, name: str) -> Group:
        """As the leader; the other instance is started as `follow` does, once it is asked."""
        deal = Deal(self.work(), 0, 1, "c", "s", 1, f"{self.parts}/one", files="files")
        self.wanted.unlink(missing_ok=True)
        follower = threading.Thread(target=self._follow)
        follower.start()
        scratch = self.folder / name
        scratch.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder / NAMES[0])
            patch.setenv(WANTED, str(self.wanted))
            try:
                return encode_dealt(self.plan(), deal, hosts(0), target=scratch / "group", scratch=scratch)
            finally:
                follower.join()

    def _follow(self) -> None:
        ends = time.monotonic() + 60
        while not self.wanted.is_file() and time.monotonic() < ends:
            time.sleep(0.05)
        words = Task.from_json(self.wanted.read_text()).put(self.others)
        environment = {
            **os.environ, HOSTS: hosts(1).to_json(), "PYTHONPATH": os.pathsep.join((str(PROJECT), str(ROOT)))
        }  # fmt: skip
        ended = subprocess.run([sys.executable, *words], cwd=self.folder / NAMES[1], env=environment)
        if ended.returncode:
            blame_of(self.wanted).write_text(f"{NAMES[1]}: {left(self.others)}")


def hosts(current: int) -> Hosts:
    return Hosts(NAMES, NAMES[current], "lo", 20_000)


def rows(plan: Plan, group: Group) -> str:
    return content_hash(merge(plan, [group], 0.0, [ALL]).dataset)


@pytest.fixture
def job(tmp_path: Path, bucket: str) -> Job:
    return Job(tmp_path, bucket, TEXTS)


def test_instances_that_share_the_files_make_what_one_machine_makes(job: Job, tmp_path: Path) -> None:
    guids = list(job.texts)
    job.deal(NAMES[0], guids[::2])
    job.deal(NAMES[1], guids[1::2])
    storage_of(job.parts).write(f"{job.parts}/one/{NAMES[1]}", b"\xff" * 5)  # left by an interrupted start
    dealt = job.encode("first")
    assert dealt.about.ids == len(guids) and len(dealt.about.parts) == 4  # a megabyte holds fifteen ids
    parts = {f"{name}{kind}" for name in dealt.about.parts for kind in (".arrow", ".json")}
    assert set(storage_of(job.parts).below(job.parts)) == parts  # nothing is left of the deal itself
    plan, alone = job.plan(), tmp_path / "alone"
    alone.mkdir()
    work = Work(**{**vars(job.work()), "parts": str(alone / "parts")})
    whole = Deal(work, 0, 1, "c", "s", 1, "").parts(plan.units(0))
    make_missing(whole, work, name="alone", processes=1, scratch=alone)
    assert rows(plan, gather(whole, work, alone / "group", alone)) == rows(plan, dealt)
    for place in tmp_path.glob("algo-*/files/*/text.txt"):
        place.write_text("x" * place.stat().st_size)  # what is done is not read again
    assert job.encode("again").file.read_bytes() == dealt.file.read_bytes()


def test_an_instance_may_get_nothing(job: Job) -> None:
    job.deal(NAMES[0], list(job.texts))
    job.deal(NAMES[1], [])
    assert job.encode("first").about.ids == len(job.texts)


@pytest.mark.parametrize(("left_out", "said"), [([0, 1], "text.txt, which none got"), ([], "which 2 instances got")])
def test_an_id_whose_file_no_instance_or_several_got_is_told(job: Job, left_out: list[int], said: str) -> None:
    guids = [guid for number, guid in enumerate(job.texts) if number not in left_out]
    job.deal(NAMES[0], guids)
    job.deal(NAMES[1], guids[:0] if left_out else guids[-1:])
    with pytest.raises(PrepareError, match=said) as caught:
        job.encode("first")
    assert f"the files of {'2 ids' if left_out else '1 id'} of 40" in str(caught.value)


def test_the_failure_of_the_other_instance_is_told_and_what_is_done_stays(job: Job, bucket: str) -> None:
    job.texts["id39"] = "corrupt text"
    storage_of(job.files).write(f"{job.files}/id39/text.txt", b"corrupt text")
    guids = list(job.texts)
    job.deal(NAMES[0], guids[:20])
    job.deal(NAMES[1], guids[20:])
    said = rf"another instance failed: algo-2: .*not a text for id id39 with s3://{bucket}/files/id39/text.txt"
    with pytest.raises(PrepareError, match=said):
        job.encode("first")
    assert any(name.endswith(".json") for name in storage_of(job.parts).below(job.parts))
