"""Groups are encoded by real processes, of functions that kill their process, take memory, or cannot read a file."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from finetune.errors import PrepareError
from finetune.shards.group import Group, gather, make_missing
from finetune.shards.markers import MARKER, ROWS
from finetune.shards.merge import ALL, merge
from finetune.shards.parts import cut
from finetune.shards.plan import File, Plan, Unit, make_plan
from finetune.shards.work import Work
from materializers.dataset import content_hash
from tests.on_path import on_path

PROJECT = Path(__file__).with_name("project")
IDS = 24


@pytest.fixture(autouse=True)
def project() -> Iterator[None]:
    with on_path(PROJECT):
        yield


class Bench:
    """Files of ids, a folder of parts, and what encodes them; a part holds about seven ids."""

    def __init__(self, folder: Path, texts: dict[str, str]) -> None:
        self.folder, self.texts = folder, texts
        for guid, text in texts.items():
            (folder / "files" / guid).mkdir(parents=True)
            (folder / "files" / guid / "text.txt").write_text(text)

    def unit(self, guid: str) -> Unit:
        path = self.folder / "files" / guid / "text.txt"
        return Unit(guid, guid[:3], [File("text.txt", path.stat().st_size, "1")], "even")

    def units(self) -> Iterable[Unit]:
        return map(self.unit, sorted(self.texts))

    def work(self, *, drops: bool = False) -> Work:
        calls = ("get_dataset_features", "encode_data")
        parts = str(self.folder / "parts")
        return Work("parts", calls, str(self.folder / "files"), None, {}, 5, 300, drops, parts)

    def encode(self, plan: Plan, group: int, name: str, *, processes: int = 2, drops: bool = False) -> Group:
        scratch = self.folder / name
        (scratch / str(group)).mkdir(parents=True)
        parts = list(cut_small(plan.units(group)))
        target = scratch / str(group) / "group"
        work = self.work(drops=drops)
        make_missing(parts, work, name=name, processes=processes, scratch=scratch)
        return gather(parts, work, target, scratch)

    def plan(self, groups: int) -> Plan:
        return make_plan(self.units, groups=groups, about={}, target=self.folder / f"plan-{groups}.parquet")[0]

    def merged(self, groups: int, processes: int) -> str:
        plan = self.plan(groups)
        encoded = [self.encode(plan, group, f"{groups}-{processes}", processes=processes) for group in range(groups)]
        dataset = merge(plan, encoded, 0.0, [ALL]).dataset
        assert dataset[ALL]["guid"][:] == sorted(dataset[ALL]["guid"][:])
        return content_hash(dataset)


def cut_small(units: Iterable[Unit]) -> Iterable[object]:
    found = list(units)
    for start in range(0, len(found), 7):
        yield from cut(found[start : start + 7], 16, code="c", config="s")


def texts(**changes: str) -> dict[str, str]:
    return {f"k{number % 5}-id{number:02}": "word " * number for number in range(IDS)} | changes


def test_the_rows_are_the_same_in_the_same_order_for_any_number_of_groups_and_processes(tmp_path: Path) -> None:
    bench = Bench(tmp_path, texts())
    assert bench.merged(1, 1) == bench.merged(3, 2)


def test_a_resumed_group_makes_what_is_missing_torn_or_stale_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, texts())
    plan = bench.plan(1)
    whole = bench.encode(plan, 0, "first").file.read_bytes()
    parts = list(cut_small(plan.units(0)))
    rows = [tmp_path / "parts" / f"{part.name}{ROWS}" for part in parts]
    markers = [tmp_path / "parts" / f"{part.name}{MARKER}" for part in parts]
    assert all(path.exists() for path in [*rows, *markers]) and len(parts) == 4
    (tmp_path / "files" / parts[0].units[0].guid / "text.txt").write_text("what is not read again")
    markers[1].unlink()  # a process was killed before it wrote the marker
    rows[2].write_bytes(rows[2].read_bytes()[:-9])
    markers[3].write_text(json.dumps({**json.loads(markers[3].read_text()), "made_from": {"code": "another"}}))
    again = bench.encode(plan, 0, "again")
    assert again.file.read_bytes() == whole
    assert again.about.ids == IDS


def test_a_process_that_is_killed_is_told_with_the_ids_that_it_worked_on(tmp_path: Path) -> None:
    bench = Bench(tmp_path, texts(**{"k0-id00": "kill", "k9-zz": "word"}))
    with pytest.raises(PrepareError, match=r"was killed by SIGKILL, most often because memory ran out, .* k0-id00 to"):
        bench.encode(bench.plan(1), 0, "killed", processes=1)


def test_memory_above_the_bound_is_refused_and_never_taken_for_a_corrupt_file(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"id0": "big"})
    with pytest.raises(PrepareError, match=r"more memory than prepare.shards.memory_mb 300 allows for id id0"):
        bench.encode(bench.plan(1), 0, "big", drops=True)


def test_a_file_that_cannot_be_read_is_named_or_dropped_up_to_a_share(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"id0": "corrupt", "id1": "none", "id2": "fine"})
    plan, path = bench.plan(1), tmp_path / "files" / "id0" / "text.txt"
    with pytest.raises(PrepareError, match=f"raised ValueError: not a text for id id0 with {path}"):
        bench.encode(plan, 0, "fail")
    encoded = bench.encode(plan, 0, "drop", drops=True)
    assert list(encoded.about.dropped) == ["id0"] and str(path) in encoded.about.dropped["id0"]
    assert merge(plan, [encoded], 0.5, [ALL]).dataset[ALL]["guid"][:] == ["id2"]
    with pytest.raises(PrepareError, match=r"at most 30.00% .* 1 id of 3 were .*\n  id0: .*not a text"):
        merge(plan, [encoded], 0.3, [ALL])


def test_a_file_that_changed_since_it_was_listed_stops_the_group(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"id0": "fine"})
    plan = bench.plan(1)
    (tmp_path / "files" / "id0" / "text.txt").write_text("longer than before")
    with pytest.raises(PrepareError, match=r"id0/text.txt had 4 bytes when it was listed, but has 18 now"):
        bench.encode(plan, 0, "changed", drops=True)
