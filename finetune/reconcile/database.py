"""Reads label rows from a database: by a read-only transaction, through a cursor on the server, parameters bound."""

import os
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, TextClause, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from finetune.errors import ReconcileError
from finetune.reconcile.answering import check_answers, patiently
from finetune.reconcile.columns import check_columns
from finetune.words import counted, one_line

BATCH = 10_000
"""Rows that are fetched at a time."""
READ_ONLY = {
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}
"""How a database is told that the transaction only reads, where SQLAlchemy has no option for it."""

Row = dict[str, Any]


def query_rows(url: str, query: str, params: Mapping[str, str]) -> Iterator[Row]:
    """Yields the rows of a query.

    Args:
        url: SQLAlchemy URL; `postgresql://` is read with psycopg 3.
        query: A SELECT; `:name` stands for a parameter.
        params: The value of each parameter.

    Raises:
        ReconcileError: The database cannot be read, breaks off, or the query lacks a needed column or a parameter.
        UnreachableError: The database does not answer.
    """
    address = _address(url)
    shown = address.set(query={}).render_as_string(hide_password=True)  # a password may stand among the options too
    try:
        engine = _engine(_read_only(address), shown)
        statement = _statement(query, params, engine)
        with patiently(lambda: _connect(engine, address, shown)) as connection:
            yield from _rows(connection, statement, params, shown)
    except ModuleNotFoundError as error:
        raise ReconcileError(
            f"production.labels.url: {shown} needs the Python package {error.name}; install it"
        ) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise ReconcileError(
            f"production.labels: cannot read {shown}: {cause}; check production.labels.url and production.labels.query"
        ) from error


def _address(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):  # a ValueError shows a part of the URL, perhaps of its password
        raise ReconcileError(
            "production.labels.url: must be a SQLAlchemy URL such as sqlite:///labels.db or "
            "postgresql://user:${env:PASSWORD}@host:5432/name; where the whole URL is one reference, write special "
            "characters of its password as %40 and so on"
        ) from None


def _read_only(url: URL) -> URL:
    """A SQLite file is opened read-only: plain SQLite would create a missing one."""
    if url.drivername == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite" or not url.database:
        return url
    if not url.database.startswith("file:"):
        if not os.path.isfile(url.database):
            raise ReconcileError(f"production.labels.url: there is no SQLite database {url.database}; correct the path")
        url = url.set(database=f"file:{urllib.parse.quote(os.path.abspath(url.database))}")
    return url.update_query_dict({"mode": "ro", "uri": "true"})


def _engine(url: URL, shown: str) -> Engine:
    options: dict[str, Any] = {"postgresql_readonly": True} if url.get_backend_name() == "postgresql" else {}
    try:
        return create_engine(url, poolclass=NullPool, hide_parameters=True, execution_options=options)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _refused(shown, error) from error


def _statement(query: str, params: Mapping[str, str], engine: Engine) -> TextClause:
    """The query, if its parameters are those that there are values of."""
    statement = text(query)
    named = set(statement.compile(engine).params)
    problems = [
        f"the query names :{name}, but production.labels.params has no {name}" for name in sorted(named - set(params))
    ]
    problems += [f"params has {name}, but the query does not name :{name}" for name in sorted(set(params) - named)]
    if problems:
        raise ReconcileError(
            f"production.labels.query: each :name must be a key of production.labels.params and each key a :name, but "
            f"{'; '.join(problems)}; a colon that begins no parameter is written \\:"
        )
    return statement


def _connect(engine: Engine, address: URL, shown: str) -> Connection:
    check_answers(address, shown)
    try:
        return engine.connect()
    except (TypeError, ValueError, RuntimeError) as error:  # how drivers refuse an option that they do not know
        raise _refused(shown, error) from error


def _refused(shown: str, error: Exception) -> ReconcileError:
    return ReconcileError(f"production.labels.url: cannot connect to {shown}: {error}")


def _rows(connection: Connection, statement: TextClause, params: Mapping[str, str], shown: str) -> Iterator[Row]:
    read_only = READ_ONLY.get(connection.dialect.name)
    if read_only is not None:
        connection.execute(text(read_only))
    count = 0
    try:
        result = connection.execution_options(stream_results=True).execute(statement, dict(params))
        if not result.returns_rows:
            raise ReconcileError("production.labels.query: must be a SELECT that returns rows")
        columns = list(result.keys())
        check_columns(columns, f"production.labels.query on {shown}", "name them with AS in the query")
        for rows in result.partitions(BATCH):
            yield from (dict(zip(columns, row, strict=True)) for row in rows)
            count += len(rows)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise ReconcileError(
            f"production.labels: the database {shown} broke off the connection after {counted(count, 'row')} "
            f"({one_line(error.orig or error)}); nothing was changed: start the run again"
        ) from error
