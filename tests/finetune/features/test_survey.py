from pathlib import Path
from typing import Any

import boto3
import pytest

from finetune.errors import PrepareError, ReconcileError
from finetune.features.survey import DROPPED, survey
from finetune.shards.plan import Plan
from finetune.storage.publish import publish
from tests.finetune.s3_server import account_of, environment, s3_server

IDS = {"p30/a/1": 10, "p30/a/2": 20, "p30/b/3": 30, "p31/c/4": 40, "p31/d d/ö": 50}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for guid, size in IDS.items():
        place = tmp_path / "files" / guid
        place.mkdir(parents=True)
        (place / "x.hea").write_bytes(b"h")
        (place / "x.dat").write_bytes(bytes(size))
        (place / "notes.txt").write_bytes(b"left out")
    return tmp_path / "files"


def surveyed(folder: Path | str, target: Path, rows: list[dict[str, Any]] | None = None, **changes: Any) -> Plan:
    rows = rows if rows is not None else [{"guid": guid, "label": None, "part": guid[-1]} for guid in IDS]
    settings = {"patterns": ["*.hea", "*.dat"], "groups": 2, "by": "folder", "max_dropped": 0.0, **changes}
    return survey(rows, folder=str(folder), target=target / "plan.parquet", **settings)[0]


def test_an_id_owns_the_files_of_its_folder_and_its_first_folder_is_its_group(folder: Path, tmp_path: Path) -> None:
    plan = surveyed(folder, tmp_path)
    units = list(plan.units())
    assert [unit.guid for unit in units] == sorted(IDS)
    assert {unit.guid: unit.size for unit in units} == {guid: size + 1 for guid, size in IDS.items()}
    assert [[unit.key for unit in plan.units(group)] for group in (0, 1)] == [["p31"] * 2, ["p30"] * 3]


def test_s3_gives_the_same_ids_and_groups(folder: Path, tmp_path: Path) -> None:
    here = [(unit.guid, unit.key, unit.size) for unit in surveyed(folder, tmp_path).units()]
    with s3_server() as address, environment(**account_of(address)):
        boto3.client("s3").create_bucket(Bucket="team")
        publish(folder, "s3://team/files")
        there = surveyed("s3://team/files", tmp_path)
        assert [(unit.guid, unit.key, unit.size) for unit in there.units()] == here


def test_a_header_without_samples_is_refused_or_left_out(folder: Path, tmp_path: Path) -> None:
    (folder / "p30/a/1/x.dat").unlink()
    with pytest.raises(PrepareError, match=rf"p30/a/1: no file \*.dat in {folder}/p30/a/1"):
        surveyed(folder, tmp_path)
    plan = surveyed(folder, tmp_path, max_dropped=0.2)
    assert list(plan.about[DROPPED]) == ["p30/a/1"]
    assert [unit.guid for unit in plan.units()] == sorted(IDS)[1:]


@pytest.mark.parametrize("guid", ["../files/p30/a/1", "p30//a", "/etc", "p30/./a", ""])
def test_an_id_that_leads_elsewhere_is_refused(folder: Path, tmp_path: Path, guid: str) -> None:
    with pytest.raises(PrepareError, match="must be a path of plain names"):
        surveyed(folder, tmp_path, [{"guid": guid, "label": None}])


def test_an_id_that_comes_twice_a_strange_column_and_a_link_are_refused(folder: Path, tmp_path: Path) -> None:
    row = {"guid": "p30/a/1", "label": None}
    with pytest.raises(PrepareError, match="'p30/a/1' comes twice"):
        surveyed(folder, tmp_path, [row, row])
    with pytest.raises(PrepareError, match="must be folder, hash, s3_key or a column of the labels, but got 'ward'"):
        surveyed(folder, tmp_path, by="ward")
    with pytest.raises(PrepareError, match="at most the number of keys that stay together, 2, but got 3"):
        surveyed(folder, tmp_path, groups=3)
    (folder / "p31" / "link").symlink_to(folder / "p30")
    with pytest.raises(ReconcileError, match="is a link"):
        surveyed(folder, tmp_path)


def test_a_column_or_the_hash_may_be_the_key(folder: Path, tmp_path: Path) -> None:
    assert {unit.key for unit in surveyed(folder, tmp_path, by="part").units()} == {f"value:{g[-1]}" for g in IDS}
    assert {unit.key for unit in surveyed(folder, tmp_path, by="hash").units()} == {"0", "1"}
