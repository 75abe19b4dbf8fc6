"""Labels in PostgreSQL: a real server, real connections that break off."""

import hashlib
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finetune.config.production import LabelsConfig
from finetune.errors import ReconcileError, UnreachableError
from finetune.experiment import Home
from finetune.reconcile.labels import labels_of
from finetune.reconcile.manifest import COLUMNS
from finetune.reconcile.reconcile import reconcile
from finetune.reconcile.snapshot import take_snapshot
from tests.finetune.postgres_server import PASSWORD, Postgres, postgres
from tests.finetune.s3_server import put

ROWS = 50_000


@pytest.fixture(scope="module")
def idle() -> Iterator[Postgres]:
    with postgres() as found:
        yield found


@pytest.fixture(scope="module")
def server(idle: Postgres) -> Iterator[Postgres]:
    with idle.running(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABELS_PASSWORD", PASSWORD)
        wait_until_ready(idle)
        idle.execute("CREATE TABLE labels (guid text, label text, pages int, added timestamptz, cost numeric)")
        idle.execute(
            "INSERT INTO labels SELECT to_char(n, 'FM000000'), CASE n % 2 WHEN 0 THEN 'even' ELSE 'odd' END, n, "
            f"timestamptz '2026-01-01' + n * interval '1 s', n / 4.0 FROM generate_series(1, {ROWS}) AS n"
        )
        yield idle


def wait_until_ready(server: Postgres) -> None:
    ends = time.monotonic() + 30
    while True:
        try:
            server.execute("SELECT 1")
            return
        except Exception:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)


def rows(server: Postgres, query: str, **params: str) -> Iterator[dict[str, Any]]:
    return labels_of(LabelsConfig(url=server.url, query=query, params=params))


def problem(server: Postgres, query: str, **params: str) -> str:
    with pytest.raises(ReconcileError) as caught:
        list(rows(server, query, **params))
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


def test_a_query_gives_its_rows_with_the_types_of_the_database(server: Postgres) -> None:
    [row] = rows(server, "SELECT guid, label, pages, cost::float FROM labels WHERE guid = '000003'")
    assert row == {"guid": "000003", "label": "odd", "pages": 3, "cost": 0.75}


def test_parameters_are_bound_whatever_they_hold(server: Postgres) -> None:
    query = "SELECT guid, label FROM labels WHERE label LIKE '%d%' AND pages < :most AND label = :label"
    assert [row["guid"] for row in rows(server, query, most="4", label="odd")] == ["000001", "000003"]
    assert list(rows(server, query, most="4", label="' OR true --")) == []


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM labels",
        "DELETE FROM labels RETURNING guid, label",
        "WITH gone AS (DELETE FROM labels RETURNING guid, label) SELECT * FROM gone",
        "SELECT guid, set_config('a.b', label, false) AS label, nextval('numbers') FROM labels",
    ],
)
def test_nothing_is_ever_written(query: str, server: Postgres) -> None:
    server.execute("CREATE SEQUENCE IF NOT EXISTS numbers")
    assert "production.labels" in problem(server, query)
    assert server.execute("SELECT count(*) FROM labels") == [(ROWS,)]


def test_rows_come_through_a_cursor_of_a_read_only_transaction_that_ends_with_the_reader(server: Postgres) -> None:
    reading = rows(server, "SELECT guid, label FROM labels")
    next(reading)
    [(state, query)] = server.execute(
        "SELECT state, query FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    assert state == "idle in transaction"
    assert query.startswith("FETCH FORWARD 9999")  # after the first, whose columns are looked at
    reading.close()
    assert open_sessions(server) == 0


def open_sessions(server: Postgres) -> int:
    ends = time.monotonic() + 10
    asked = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    while (count := server.execute(asked)[0][0]) and time.monotonic() < ends:
        time.sleep(0.05)
    return int(count)


def test_a_connection_that_is_cut_in_the_middle_is_told_with_how_far_it_came(server: Postgres) -> None:
    reading = rows(server, "SELECT guid, label FROM labels")
    next(reading)
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with pytest.raises(ReconcileError, match=r"broke off the connection after 10,000 rows \(.*start the run again"):
        list(reading)


def test_a_wrong_password_is_refused_at_once(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELS_PASSWORD", "wrong sesame")
    with pytest.raises(ReconcileError, match="password authentication failed") as caught:
        list(rows(server, "SELECT 1"))
    assert "wrong sesame" not in "".join(traceback.format_exception(caught.value))


def test_a_server_without_a_free_place_is_asked_again(server: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
    import psycopg

    place = {"host": "127.0.0.1", "port": server.port, "user": "reader", "password": PASSWORD, "dbname": "postgres"}
    taken = []
    with pytest.raises(psycopg.OperationalError):
        while True:
            taken.append(psycopg.connect(**place))

    def leave() -> None:
        time.sleep(0.3)
        for connection in taken:
            connection.close()

    leaving = threading.Thread(target=leave)
    leaving.start()
    found = list(rows(server, "SELECT guid, label FROM labels WHERE pages = 1"))
    leaving.join()
    assert [row["guid"] for row in found] == ["000001"]
    assert "trying again" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_unreachable(idle: Postgres) -> None:
    source = LabelsConfig(url=f"postgresql://reader@127.0.0.1:{idle.port + 1}/postgres", query="SELECT 1")
    with pytest.raises(UnreachableError, match="no database answers at"):
        list(labels_of(source))


def test_labels_in_postgres_and_files_and_home_in_s3(server: Postgres, bucket: str, tmp_path: Path) -> None:
    content = {f"{number:06}": f"text {number}" for number in range(1, 9)}
    content["000004"] = content["000002"]
    server.execute("CREATE TABLE sums (guid text, sum text)")
    for guid, text in content.items():
        server.execute("INSERT INTO sums VALUES (%s, %s)", guid, hashlib.md5(text.encode()).hexdigest())
    put(bucket, {f"production/{guid}/t": text.encode() for guid, text in content.items()})
    query = "SELECT guid, label, sum, pages FROM labels JOIN sums USING (guid) WHERE pages <= :most ORDER BY random()"
    source = LabelsConfig(url=server.url, query=query, params={"most": "8"}, hash="sum")
    files = {"folder": f"s3://{bucket}/production", "names": ["t"]}
    snapshot = take_snapshot(
        labels_of(source, with_hash=True), **files, target=tmp_path / "snapshot.parquet", hash_column="sum"
    )
    result = reconcile(
        snapshot,
        home=Home(f"s3://{bucket}/out", "EXP-1-x"),
        production=f"s3://{bucket}/production",
        files_from_production=["t"],
        files_at_home=["t"],
        process_func=None,
        process_hash="",
        overwrite=False,
        workers=4,
        target=tmp_path / "manifest.parquet",
    )
    kept = [row for row in result.manifest.rows([*COLUMNS, "pages"]) if row["dropped"] is None]
    assert list(result.manifest.dropped()) == [("000004", "even", "duplicate of 000002")]
    assert [(row["guid"], row["hash"], row["hash_from"], row["pages"]) for row in kept] == [
        (guid, f"md5:{hashlib.md5(text.encode()).hexdigest()}", "database", int(guid))
        for guid, text in content.items()
        if guid != "000004"
    ]
