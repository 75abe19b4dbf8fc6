"""References in the labels' source: what is read, and how it is put into a URL."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from finetune.config.production import LabelsConfig
from finetune.errors import ConfigError, UnreachableError
from finetune.reconcile.filled import fill, fill_url

ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def labels(**values: Any) -> LabelsConfig:
    return LabelsConfig(query="SELECT 1", **values)


@given(user=ANY, password=ANY, option=ANY)
def test_user_password_and_options_of_a_url_may_hold_any_characters(user: str, password: str, option: str) -> None:
    values = {"${aws:db.user}": user, "${env:PW}": password, "${zenml:db.option}": option}
    url = make_url(fill_url("mysql+pymysql://${aws:db.user}:${env:PW}@db/x?ssl=a-${zenml:db.option}", values))
    assert (url.username, url.password, url.query["ssl"]) == (user, password, f"a-{option}")
    assert (url.host, url.database) == ("db", "x")


def test_hosts_ports_and_paths_are_put_in_as_they_are() -> None:
    values = {"${env:HOST}": "db.internal:5432", "${env:DIR}": "/data/a b", "${env:PORT}": "1"}
    assert fill_url("postgresql://me@${env:HOST}/x", values) == "postgresql://me@db.internal:5432/x"
    assert fill_url("sqlite:///${env:DIR}/labels.db", values) == "sqlite:////data/a b/labels.db"
    assert fill_url("s3://team/${env:DIR}.db", values) == "s3://team//data/a b.db"
    assert fill_url("postgresql://me@h:${env:PORT}/x", values) == "postgresql://me@h:1/x"


def test_a_url_that_is_one_reference_is_used_as_it_is() -> None:
    url = "postgresql://me:p%40ss@db/x?sslmode=require"
    assert fill_url("${env:DB_URL}", {"${env:DB_URL}": url}) == url


def test_each_reference_is_read_once_and_its_value_and_the_urls_password_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TEAM", "blue")
    asked: list[tuple[str, str | None]] = []

    def read(name: str, key: str | None) -> str:
        asked.append((name, key))
        return "postgresql://me:p%40ss@db/x" if key is None else f"{name}/{key}"

    source = labels(url="${aws:prod/my.db/url}", params={"a": "${aws:a.b.c}", "b": "x${aws:a.b.c}", "t": "${env:TEAM}"})
    filled = fill(source, {"aws": read})
    assert sorted(asked, key=str) == [("a.b", "c"), ("prod/my.db/url", None)]
    assert filled.params == {"a": "a.b/c", "b": "xa.b/c", "t": "blue"}
    assert filled.secrets == {
        "postgresql://me:p%40ss@db/x": "${aws:prod/my.db/url}",
        "p@ss": "***",
        "a.b/c": "${aws:a.b.c}",
        "blue": "${env:TEAM}",
    }


def refuse(error: type[ConfigError] | type[UnreachableError]) -> Callable[[str, str | None], str]:
    def read(name: str, key: str | None) -> str:
        raise error(f"there is no {name} with {key}")

    return read


@pytest.mark.parametrize("error", [ConfigError, UnreachableError])
def test_a_secret_that_is_not_given_is_named_with_the_configs_key(error: type[ConfigError]) -> None:
    with pytest.raises(error) as caught:
        fill(labels(url="sqlite:///a.db", params={"team": "hunter2${zenml:labels.team}"}), {"zenml": refuse(error)})
    assert str(caught.value) == "production.labels.params.team: ${zenml:labels.team}: there is no labels with team"


def test_a_variable_that_is_gone_and_a_store_that_nobody_reads_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET_HERE", raising=False)
    with pytest.raises(ConfigError, match=r"production.labels.url: \$\{env:NOT_SET_HERE\}: the variable .* is not set"):
        fill(labels(url="${env:NOT_SET_HERE}"), {})
    with pytest.raises(ConfigError, match="production.labels.url: .*: no secret store is read here"):
        fill(labels(url="${aws:a.b}"), {})
