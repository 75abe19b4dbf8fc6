"""EXP-4001 and 4002 as shipped, on a small sample: any division gives the same table, and its group is fetched."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from experiments.waveforms.sample import build_records, records
from finetune.storage.copy import hash_file
from tests.e2e.workbench import REPOSITORY, Ended, Workbench

RECORDS = 40
TORN, WITHOUT = 3, 11
"""Records of which the samples end too early, or are absent."""


@pytest.fixture(scope="module")
def bench(shared: Workbench) -> Workbench:
    production = shared.folder / "waveforms"
    wanted = list(records(1, 4, 40))[:RECORDS]
    build_records(production, wanted)
    for number in (TORN, WITHOUT):
        data = production / "files" / wanted[number].guid / f"{wanted[number].name}.dat"
        data.write_bytes(data.read_bytes()[:-100]) if number == TORN else data.unlink()
    config = yaml.safe_load((REPOSITORY / "configs" / "EXP-4001.yaml").read_text(encoding="utf-8"))
    config["root"] = str(shared.folder / "outputs")
    config["experiment"] = shared.experiment
    config["production"]["files"] = str(production / "files")
    config["production"]["labels"]["url"] = f"sqlite:///{production}/labels.db"
    config["prepare"]["shards"]["max_dropped"] = 0.05
    shared.config.clear()
    shared.config.update(config)
    shared.write_config()
    return shared


@pytest.fixture(scope="module")
def ran(bench: Workbench) -> dict[str, Ended]:
    """Runs 1 to 3: one group in one process; three in two; the same again. Run 4 lets nothing be dropped."""
    divided = ("--set", "prepare.shards.groups=3", "--set", "prepare.processes=2")
    return {
        "1": bench.warm_run("--set", "prepare.shards.groups=1", "--set", "prepare.processes=1"),
        "2": bench.warm_run(*divided),
        "3": bench.warm_run(*divided),
        "4": bench.warm_run("--set", "prepare.shards.corrupt=fail"),
    }


def table(bench: Workbench, number: int) -> Path:
    return Path(bench.record(number)["artifacts"]["features"], "table.parquet")


def test_any_number_of_groups_and_processes_gives_the_same_table(bench: Workbench, ran: dict[str, Ended]) -> None:
    assert [ran[number].code for number in "123"] == [0, 0, 0], ran["1"].said + ran["2"].said
    assert hash_file(table(bench, 1)) == hash_file(table(bench, 2))
    assert "encode_group_2 cached, merge cached" in ran["3"].out


def test_the_table_has_a_row_per_signal_in_order_with_names_that_are_spelt_alike(
    bench: Workbench, ran: dict[str, Ended]
) -> None:
    assert ran["1"].code == 0
    rows = pq.read_table(table(bench, 1))
    guids = rows["guid"].to_pylist()
    assert guids == sorted(guids) and len(set(guids)) == RECORDS - 2
    assert set(rows["signal"].to_pylist()) <= {"II", "PLETH", "RESP", "ABP"}
    assert set(rows["label"].to_pylist()) <= {"MICU", "SICU", "CCU", "CSRU", "TSICU"}
    assert pq.ParquetFile(table(bench, 1)).metadata.row_group(0).column(0).compression == "SNAPPY"


def test_what_cannot_be_read_is_left_out_and_told_in_the_report(bench: Workbench, ran: dict[str, Ended]) -> None:
    page = (bench.home / "runs" / "1" / "report.html").read_text(encoding="utf-8")
    torn, without = (list(records(1, 4, 40))[number].guid for number in (TORN, WITHOUT))
    assert f"{RECORDS - 2} of\n    {RECORDS} ids" in page and "2 ids were left out" in page
    assert torn in page and f"no file *.dat in {bench.config['production']['files']}/{without}" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_the_statistics_are_a_csv_with_a_line_for_each_signal_and_column(
    bench: Workbench, ran: dict[str, Ended]
) -> None:
    folder = Path(bench.record(1)["artifacts"]["statistics"])
    lines = next(folder.glob("*.csv")).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "name,column,rows,missing,mean,std,min,max"
    assert any(line.startswith("PLETH,q50,") for line in lines)


def test_a_header_without_samples_is_told_before_any_group_starts(bench: Workbench, ran: dict[str, Ended]) -> None:
    assert ran["4"].code == 1
    assert "survey" not in bench.record(4)["artifacts"]
    assert "no file *.dat in " in ran["4"].said and "encode group" not in ran["4"].said


def test_a_group_that_is_larger_than_the_disk_is_told_before_any_group_starts(
    bench: Workbench, ran: dict[str, Ended]
) -> None:
    large = Path(bench.config["production"]["files"], "large", "record")
    large.mkdir(parents=True)
    (large / "r.hea").touch()
    (large / "r.dat").touch()
    os.truncate(large / "r.dat", 12 * 2**40)  # a file with a hole takes no room
    query = bench.config["production"]["labels"]["query"] + " UNION SELECT 'large/record', 'CCU', 'p'"
    ended = bench.warm_run("--set", f"production.labels.query={query}")
    assert ended.code == 1
    assert "1 group of 3 would not fit on the disk; group 0 needs 659," in ended.said
    assert "encode group" not in ended.said


def test_no_part_is_left_when_its_group_is_stored(bench: Workbench, ran: dict[str, Ended]) -> None:
    assert ran["2"].code == 0
    assert list((bench.home / "data" / "parts").iterdir()) == []


@pytest.fixture(scope="module")
def rhythms(bench: Workbench, ran: dict[str, Ended]) -> Workbench:
    """EXP-4002 beside it, with the same root and labels."""
    config = yaml.safe_load((REPOSITORY / "configs" / "EXP-4002.yaml").read_text(encoding="utf-8"))
    config |= {"experiment": "EXP-9-rhythms", "root": bench.config["root"]}
    config["production"]["labels"]["url"] = bench.config["production"]["labels"]["url"]
    config["prepare"]["processes"] = 1
    other = replace(bench, experiment="EXP-9-rhythms", config=config)
    other.write_config()
    return other


def test_a_record_is_put_once_however_often_it_is_computed(bench: Workbench, ran: dict[str, Ended]) -> None:
    rows = len(pq.read_table(table(bench, 1)))
    assert f"feature group waveform-signals: {rows} records stored, 0 were there already" in ran["1"].said
    assert f"feature group waveform-signals: 0 records stored, {rows} were there already" in ran["2"].said


def test_trees_are_trained_on_features_that_are_fetched_by_name(rhythms: Workbench) -> None:
    ended = rhythms.warm_run()
    assert ended.code == 0, ended.said
    found = RECORDS - 2
    assert f"feature group waveform-signals: {found} records fetched; 2 ids have none at their time" in ended.said
    record = rhythms.record(1)
    assert list(record["seconds"])[:3] == ["fetch", "snapshot", "reconcile"]
    assert record["metrics"]["macro_f1"] > record["baselines"]["majority"]["macro_f1"]
    model = Path(record["artifacts"]["model"])
    assert (model / "model.safetensors").exists()
    assert len(json.loads((model / "finetune.json").read_text())["code"]) == 64, "of the code"
    files = list((rhythms.home / "data" / "reconciled_artifacts").glob("*/features.json"))
    assert len(files) == found
    one = json.loads(files[0].read_text(encoding="utf-8"))
    assert one["signal_id"] == f"{files[0].parent.name}-II" and 0 <= one["power_4_15_hz"] <= 1


def test_what_is_wrong_with_the_group_is_told_before_anything_runs(rhythms: Workbench) -> None:
    absent = rhythms.warm_run("--set", "production.files=group://waveform-signal")
    assert absent.code == 2
    assert "there is no group waveform-signal in " in absent.said and "(groups: waveform-signals)" in absent.said
    query = "SELECT record AS guid, rhythm AS label, patient, record || '-II' AS signal_id FROM records"
    timeless = rhythms.warm_run("--set", f"production.labels.query={query}")
    assert timeless.code == 2 and "recorded_at is missing" in timeless.said
    assert rhythms.run_numbers() == [1]
