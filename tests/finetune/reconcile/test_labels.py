import sqlite3
import traceback
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finetune.config.production import LabelsConfig
from finetune.errors import ReconcileError, UnreachableError
from finetune.reconcile.labels import labels_of, read_labels


def from_file(path: Path) -> list[dict[str, Any]]:
    return list(read_labels(None, None, {}, str(path)))


def from_query(url: str, query: str = "SELECT * FROM t", **params: str) -> list[dict[str, Any]]:
    return list(read_labels(url, query, params, None))


def problem(url: str, query: str = "SELECT * FROM t", **params: str) -> str:
    with pytest.raises(ReconcileError) as caught:
        from_query(url, query, **params)
    return str(caught.value)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "labels #1 50%.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (guid, label, pages)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", [("a", "x", 1), ("b", " ", 2), (7, None, 3)])
    connection.close()
    return path


def test_a_query_gives_its_rows_with_further_columns(database: Path) -> None:
    assert from_query(f"sqlite:///{database}") == [
        {"guid": "a", "label": "x", "pages": 1},
        {"guid": "b", "label": None, "pages": 2},
        {"guid": "7", "label": None, "pages": 3},
    ]


def test_params_are_bound_and_not_pasted(database: Path) -> None:
    query = "SELECT * FROM t WHERE guid = :guid"
    assert [row["guid"] for row in from_query(f"sqlite:///{database}", query, guid="a")] == ["a"]
    assert from_query(f"sqlite:///{database}", query, guid="a' OR '1'='1") == []


def test_parameters_without_a_value_and_values_without_a_parameter_are_refused(database: Path) -> None:
    query = "SELECT * FROM t WHERE guid = :guid AND label <> 'a\\:b' AND '10:30' <> :label"
    message = problem(f"sqlite:///{database}", query, guid="a", lable="x")
    assert "the query names :label, but production.labels.params has no label" in message
    assert "params has lable, but the query does not name :lable" in message
    assert "a colon that begins no parameter is written \\:" in message


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM t", "DROP TABLE t", "INSERT INTO t VALUES ('c', 'x', 1) RETURNING *", "PRAGMA user_version=3"],
)
@pytest.mark.parametrize("url", ["sqlite:///{}", "sqlite:///file:{}?uri=true", "sqlite:///file:{}?mode=rwc&uri=true"])
def test_a_query_that_is_no_select_cannot_change_the_file(query: str, url: str, tmp_path: Path, database: Path) -> None:
    plain = database.rename(tmp_path / "labels.db")
    before = plain.read_bytes()
    assert "production.labels" in problem(url.format(plain), query)
    assert plain.read_bytes() == before


@pytest.mark.parametrize("url", ["sqlite:///{}", "sqlite:///file:{}?mode=rwc&uri=true"])
def test_a_missing_sqlite_file_is_not_created(url: str, tmp_path: Path) -> None:
    assert str(tmp_path / "none.db") in problem(url.format(tmp_path / "none.db"))
    assert list(tmp_path.iterdir()) == []


def test_an_unreachable_database_is_named_without_its_password() -> None:
    for url in (
        "mysql+pymysql://me:sesame@127.0.0.1:1/db",
        "mysql+pymysql://127.0.0.1:1/db?user=me&password=sesame",
        "mysql+pymysql://me:sesame@127.0.0.1:1/db?no_such_option=1",
    ):
        message = problem(url)
        assert "127.0.0.1:1/db" in message
        assert "sesame" not in message


def test_a_database_that_does_not_answer_is_told_from_one_that_refuses() -> None:
    with pytest.raises(UnreachableError, match="no database answers at mysql.*check host and port"):
        from_query("mysql+pymysql://me:sesame@no-such-host.invalid/db")


def test_secrets_of_the_source_are_in_no_message_of_the_whole_chain(tmp_path: Path) -> None:
    def read(name: str, key: str | None) -> str:
        return {"host": "open.sesame.invalid", "password": "sesame/@", "file": f"{tmp_path}/sesame.db"}[key or ""]

    for url, words in (
        (
            "mysql+pymysql://me:${aws:db.password}@${aws:db.host}:1/db",
            r"no database answers at mysql.*me:\*\*\*@\$\{aws:db.host\}:1/db",
        ),
        ("sqlite:///${zenml:db.file}", r"there is no SQLite database \$\{zenml:db.file\}"),
    ):
        source = LabelsConfig(url=url, query="SELECT 1")
        with pytest.raises(ReconcileError, match=words) as caught:
            list(labels_of(source, {"aws": read, "zenml": read}))
        assert "sesame" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("url", ["nonsense", "mysql://me:p@h:sesame/x", ""])
def test_a_url_that_is_none_is_not_repeated(url: str) -> None:
    message = problem(url)
    assert "must be a SQLAlchemy URL" in message
    assert "sesame" not in message


def test_a_missing_driver_is_named() -> None:
    assert "psycopg2; install it" in problem("postgresql+psycopg2://me:sesame@127.0.0.1:1/db")


def test_a_bound_value_is_in_no_message_of_the_whole_chain(database: Path) -> None:
    with pytest.raises(ReconcileError, match="production.labels.query") as caught:
        from_query(f"sqlite:///{database}", "SELECT * FROM absent WHERE a = :a", a="sesame")
    error: BaseException | None = caught.value
    while error is not None:
        assert "sesame" not in str(error)
        error = error.__cause__


def test_bad_sql_says_what_the_database_says(database: Path) -> None:
    assert "no such table: absent" in problem(f"sqlite:///{database}", "SELECT * FROM absent")


def test_a_missing_column_is_named_with_those_there_are(database: Path) -> None:
    message = problem(f"sqlite:///{database}", "SELECT guid, pages FROM t")
    assert "label is missing (got guid, pages); name them with AS in the query" in message


def test_a_column_that_comes_twice_is_refused(database: Path) -> None:
    assert "guid more than once" in problem(f"sqlite:///{database}", "SELECT guid, label, guid FROM t")


def test_a_csv_keeps_zeros_and_an_empty_label_is_none(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"\xef\xbb\xbfguid,label,pages\n007,x,1\n8,,\n9,NA,3\n")
    assert from_file(path) == [
        {"guid": "007", "label": "x", "pages": 1},
        {"guid": "8", "label": None, "pages": None},
        {"guid": "9", "label": "NA", "pages": 3},
    ]


def test_a_csv_that_is_not_utf_8_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes("guid,label\na,tag\nb,caf\xe9\n".encode("latin-1"))
    with pytest.raises(ReconcileError, match=r"labels.csv: line 3 is not UTF-8 \(b'\\xe9' at byte 6\)"):
        list(read_labels(None, None, {}, str(path)))


def test_a_csv_column_that_is_empty_for_long_is_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("guid,label,note\n" + "".join(f"{n:050},x,\n" for n in range(40_000)) + "z,x,late\n")
    assert from_file(path)[-1] == {"guid": "z", "label": "x", "note": "late"}


def test_a_parquet_file_is_read_and_nan_is_no_label(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"guid": [1, 2], "label": [float("nan"), 3.5], "more": ["a", None]}), path)
    assert from_file(path) == [
        {"guid": "1", "label": None, "more": "a"},
        {"guid": "2", "label": "3.5", "more": None},
    ]


def test_a_file_without_a_needed_column_is_refused_though_it_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("guid;label\n")
    with pytest.raises(ReconcileError, match=r"guid and label are missing \(got guid;label\); .* separated by commas$"):
        from_file(path)
    path.write_text("guid,class\n")
    with pytest.raises(ReconcileError, match=r"label is missing \(got guid, class\); rename the columns$"):
        from_file(path)


@pytest.mark.parametrize("name", ["none.csv", "none.parquet"])
def test_a_file_that_is_not_there_is_named_once(name: str, tmp_path: Path) -> None:
    with pytest.raises(ReconcileError) as caught:
        from_file(tmp_path / name)
    assert str(caught.value) == f"production.labels.file: the file {tmp_path}/{name} does not exist; correct the path"


@pytest.mark.parametrize("name", ["bad.csv", "bad.parquet"])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"guid,label\ncaf\xe9,x\n")
    with pytest.raises(ReconcileError, match=f"production.labels.file: cannot read {tmp_path}/{name}: "):
        from_file(tmp_path / name)
