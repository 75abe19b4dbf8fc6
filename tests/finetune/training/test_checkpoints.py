import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.errors import TrainError
from finetune.training.checkpoints import MANIFEST, Checkpoints

KEPT = ("one.bin", "two.bin")


def write(checkpoints: Checkpoints, step: int) -> Path:
    with checkpoints.writing(step, {"epoch": step / 10}) as scratch:
        for name in KEPT:
            (scratch / f"checkpoint-{step}" / name).write_bytes(f"{name} of {step}".encode() * 50)
    return checkpoints.of_step(step)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "run", keep=2)


def test_the_newest_is_found_with_what_was_said_of_it(checkpoints: Checkpoints) -> None:
    assert checkpoints.newest() is None
    for step in (8, 100, 20):
        write(checkpoints, step)
    last = checkpoints.newest()
    assert last is not None and (last.step, last.facts) == (100, {"epoch": 10.0})
    assert last.folder == checkpoints.folder / "checkpoint-100"


def test_what_breaks_while_it_is_written_leaves_nothing(checkpoints: Checkpoints) -> None:
    write(checkpoints, 1)
    with pytest.raises(ZeroDivisionError), checkpoints.writing(2, {}) as scratch:
        (scratch / "checkpoint-2" / "one.bin").write_bytes(b"half")
        raise ZeroDivisionError
    assert [path.name for path in checkpoints.folder.iterdir()] == ["checkpoint-1"]


@given(name=st.sampled_from([*KEPT, MANIFEST]), how=st.sampled_from(["cut", "changed", "gone"]), at=st.integers(0, 400))
def test_a_torn_one_is_skipped_for_the_one_before_and_said(
    tmp_path_factory: pytest.TempPathFactory, name: str, how: str, at: int
) -> None:
    checkpoints = Checkpoints(tmp_path_factory.mktemp("torn"), keep=2)
    write(checkpoints, 1)
    torn = write(checkpoints, 2) / name
    content = bytearray(torn.read_bytes())
    at %= len(content)
    if how == "cut":
        torn.write_bytes(content[:at])
    elif how == "changed" and name != MANIFEST:
        content[at] ^= 1
        torn.write_bytes(content)
    else:
        torn.unlink()
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("finetune.training.checkpoints.say", said.append)
        last = checkpoints.newest()
    assert last is not None and last.step == 1
    assert len(said) == 1 and said[0].startswith("train: the checkpoint of step 2 is not used: ") and name in said[0]


def test_a_best_one_that_is_torn_is_refused_with_what_to_do(checkpoints: Checkpoints) -> None:
    (write(checkpoints, 4) / "two.bin").write_bytes(b"x")
    with pytest.raises(TrainError, match=r"checkpoint-4, cannot be used: two.bin must have 600 bytes, but has 1; remo"):
        checkpoints.check(4)


@given(st.sets(st.integers(1, 999), max_size=8), st.integers(1, 4), st.data())
def test_the_newest_few_and_the_best_stay(
    tmp_path_factory: pytest.TempPathFactory, steps: set[int], keep: int, data: st.DataObject
) -> None:
    checkpoints = Checkpoints(tmp_path_factory.mktemp("kept"), keep=keep)
    for step in steps:
        checkpoints.of_step(step).mkdir()
    best = data.draw(st.sampled_from([None, *steps]))
    checkpoints.forget(best)
    left = {int(path.name.partition("-")[2]) for path in checkpoints.folder.iterdir()}
    assert left == set(sorted(steps)[-keep:]) | ({best} if best else set())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small disk needs the right to mount a tmpfs: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_named_and_earlier_checkpoints_stay(small_disk: Path) -> None:
    checkpoints = Checkpoints(small_disk, keep=2)
    write(checkpoints, 1)
    refused = pytest.raises(TrainError, match=r"of step 2 cannot be written: the disk of .*small is full; make")
    with refused, checkpoints.writing(2, {}) as scratch:
        (scratch / "checkpoint-2" / "one.bin").write_bytes(bytes(4 * 2**20))
    last = checkpoints.newest()
    assert last is not None and last.step == 1
    assert shutil.disk_usage(small_disk).free > 2 * 2**20
