import hashlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from experiments.license_category.sample import build as build_licenses
from experiments.license_category.sample import licenses
from experiments.license_mentions.sample import SampleRow, licensedb_folder, read_front_matter, rules, write_sample

ROOT = Path(__file__).parents[2]
BUILD = """
import sys
from pathlib import Path
from experiments.license_category.sample import build
build(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def all_rules() -> list[SampleRow]:
    return list(rules())


def test_there_are_so_many_rules_of_each_kind(all_rules: list[SampleRow]) -> None:
    assert len(all_rules) == len({row.guid for row in all_rules}) == 34_859
    assert Counter(row.label for row in all_rules) == {
        "notice": 14_190,
        "reference": 11_444,
        "text": 4_118,
        "tag": 3_628,
        None: 1_228,
        "intro": 156,
        "clue": 95,
    }


def test_the_natural_dirt_is_kept(all_rules: list[SampleRow]) -> None:
    labels = defaultdict(list)
    for row in all_rules:
        labels[row.text].append(row.label)
    repeated = [found for found in labels.values() if len(found) > 1]
    assert len(repeated) == 159
    assert sum(len(set(found)) > 1 for found in repeated) == 15


@pytest.mark.parametrize(("folder", "ending"), [("rules", "RULE"), ("licenses", "LICENSE")])
def test_the_wanted_keys_are_those_of_a_full_parse(folder: str, ending: str) -> None:
    files = sorted(licensedb_folder(folder).glob(f"*.{ending}"))
    assert len(files) > 2_000
    for path in files:
        full = yaml.load(path.read_text(encoding="utf-8").split("---", 2)[1], Loader=yaml.CSafeLoader)
        wanted = {name: value for name, value in full.items() if is_wanted(name)}
        assert read_front_matter(path)[0] == wanted, path


def is_wanted(name: str) -> bool:
    return name in ("license_expression", "category", "key") or name.startswith("is_license_")


def test_the_built_licences_are_flat_files_and_a_table_that_belong_together(tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    build_licenses(folder)
    with sqlite3.connect(folder / "labels.db") as database:
        rows = database.execute("SELECT guid, label, file_hash FROM licenses ORDER BY guid").fetchall()
    assert len(rows) == 2_310
    assert [row[:2] for row in rows] == sorted((row.guid, row.label) for row in licenses())
    for guid, _, file_hash in rows:
        content = (folder / "files" / guid / "raw_text.json").read_bytes()
        assert hashlib.sha256(content).hexdigest() == file_hash
        assert list(json.loads(content)) == ["text"]
    assert len(list((folder / "files").iterdir())) == len(rows)


def test_equal_texts_have_equal_hashes_and_a_missing_label_stays_missing(tmp_path: Path) -> None:
    rows = [
        SampleRow("a", "x", None, "same ü"),
        SampleRow("b", None, "mit", "same ü"),
        SampleRow("c", "x", None, "other"),
    ]
    write_sample(tmp_path / "sample", rows, table="texts")
    with sqlite3.connect(tmp_path / "sample" / "labels.db") as database:
        found = {row[0]: row[1:] for row in database.execute("SELECT * FROM texts")}
    assert found["a"][1] == found["b"][1] != found["c"][1]
    assert found["b"] == (None, found["b"][1], "mit")


def test_a_built_sample_is_never_touched(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample", [SampleRow("a", "x", None, "first")], table="texts")
    write_sample(tmp_path / "sample", [SampleRow("b", "x", None, "second")], table="texts")
    assert [path.name for path in (tmp_path / "sample" / "files").iterdir()] == ["a"]


def test_a_build_that_fails_leaves_no_sample(tmp_path: Path) -> None:
    def failing() -> Iterator[SampleRow]:
        yield SampleRow("a", "x", None, "text")
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        write_sample(tmp_path / "sample", failing(), table="texts")
    assert not (tmp_path / "sample").exists()
    write_sample(tmp_path / "sample", [SampleRow("b", "x", None, "text")], table="texts")
    assert [path.name for path in (tmp_path / "sample" / "files").iterdir()] == ["b"]


def test_a_killed_build_leaves_no_sample_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    folder, part = tmp_path / "sample", tmp_path / ".sample.part" / "files"
    process = subprocess.Popen([sys.executable, "-c", BUILD, str(folder)], cwd=ROOT)
    while not part.exists() or len(list(part.iterdir())) < 100:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not folder.exists()
    build_licenses(folder)
    assert len(list((folder / "files").iterdir())) == 2_310
    assert not part.parent.exists()


def test_two_builds_at_the_same_time_both_find_the_sample(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BUILD, str(tmp_path / "sample")]
    processes = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(list((tmp_path / "sample" / "files").iterdir())) == 2_310
