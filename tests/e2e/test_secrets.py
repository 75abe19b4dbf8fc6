"""Planted secrets are read in the job and lie nowhere after a rehearsed run: not in definitions, logs or artifacts."""

import gzip
import io
import json
import re
import subprocess
import sys
import tarfile
import uuid
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from rehearsal import Rehearsal, Settings
from rehearsal.fixture import skip_where_refused
from stacks.files import load_stack
from stacks.iam.render import render
from tests.checkout import put_rooms
from tests.e2e.searching import definitions, files, forms_of, joined, logs, objects, places_of, tables, unpacked
from tests.e2e.workbench import REPOSITORY, UNCHECKED, Workbench, clean_environment
from tests.rehearsal.zenml.test_pipeline import ELSEWHERE, allows

EXPERIMENT = "EXP-7-planted"
TOKEN = "ZENML_STORE_API_TOKEN"
"""The one exception: by it a job talks to ZenML's server, so ZenML itself puts it into the job's environment."""
CREATE = """
import sys
from zenml.client import Client
Client().create_secret("labels", {"region": sys.argv[1]})
from finetune.errors import FinetuneError
from operators.secrets import read_zenml
for name, key in (("none", "region"), ("labels", "user"), ("label", "region")):
    try:
        print(read_zenml(name, key))
    except FinetuneError as error:
        print(type(error).__name__, error)
"""


@dataclass
class Planted:
    """A rehearsal with secrets in both stores, and what its runs printed."""

    up: Rehearsal
    folder: Path
    team: str
    region: str
    password: str
    mine: dict[str, str]
    """Secrets in the environment of who submits."""
    said: dict[str, str] = field(default_factory=dict)
    asked: str = ""

    @property
    def values(self) -> list[str]:
        return [self.team, self.region, self.password, *self.mine.values(), self.up.environment["ZENML_STORE_API_KEY"]]

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = clean_environment(self.folder / "zenml") | self.up.environment | self.mine
        path = {"PYTHONPATH": f"{self.folder / 'project'}:{REPOSITORY}"}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=self.folder, env=environment | path, capture_output=True, text=True)

    def run(self, config: Path) -> int:
        done = self.python(str(REPOSITORY / "run.py"), "--config", str(config), "--stack", "rehearsal")
        self.said[config.stem] = done.stdout + done.stderr
        return done.returncode


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """Two runs: one whose database does not answer, and one that completes."""
    skip_where_refused()
    folder = tmp_path_factory.mktemp("planted")
    bench = Workbench.make(folder, folder / "zenml", EXPERIMENT)
    # So that what is searched for in vain would be found in what jobs print.
    bench.replace("    Path(home,", f'    print("{EXPERIMENT}", flush=True)\n    Path(home,')
    put_rooms(bench.project, "finetune", "materializers", "operators", "pipelines", "steps")
    with Rehearsal(folder / "outputs" / "rehearsal", Settings(project=str(bench.project))) as up:
        mine = {"AWS_SECRET_ACCESS_KEY": _secret("key"), "AWS_SESSION_TOKEN": _secret("token"), "TOKEN": _secret("own")}
        made = Planted(up, folder, _secret("team"), _secret("region"), _secret("password"), mine)
        _publish(up, bench.production)
        keys = {"team": made.team, "password": made.password}
        up.client("secretsmanager").create_secret(Name="finetune/labels", SecretString=json.dumps(keys))
        created = made.python("-c", CREATE, made.region)
        assert created.returncode == 0, created.stderr
        made.asked = created.stdout
        failing, completing = _configs(bench)
        assert made.run(failing) == 1, made.said["failing"]
        assert made.run(completing) == 0, made.said["completing"]
        yield made


def test_the_values_were_read_in_the_job(planted: Planted) -> None:
    assert "evaluate" in planted.said["completing"] and "macro" in planted.said["completing"].lower()
    values = load_stack("rehearsal").values
    assert values is not None
    read = [each for each in planted.up.calls() if each["action"] == "secretsmanager:GetSecretValue"]
    in_jobs = [call for call in read if call["role"] == values.role]
    assert [call["times"] for call in in_jobs] == [3], "password and team, then team"
    assert ELSEWHERE["execution-role"]["test_secrets"] == {call["action"] for call in in_jobs}
    allowed = render("execution-role", values)["Statement"]
    assert all(allows(allowed, call["action"], call["resource"]) for call in in_jobs)
    assert {call["role"] for call in read} == {values.role, "client"}, "it was tried before submission, too"
    elsewhere = render("execution-role", values.model_copy(update={"secrets": "other/*"}))["Statement"]
    assert not any(allows(elsewhere, call["action"], call["resource"]) for call in in_jobs)


def test_a_database_that_only_jobs_reach_is_said_to_be_untried_and_its_failure_hides_the_password(
    planted: Planted,
) -> None:
    said = planted.said["failing"]
    assert "the functions are not tried before submission, because this machine cannot read the labels: " in said
    assert "no database answers at mysql+pymysql://reader:***@127.0.0.1:1/labels from here" in said
    in_jobs = places_of(list(logs(planted.up)), "no database answers at mysql+pymysql://reader:***@127.0.0.1:1/labels")
    assert len(in_jobs) == 1 and "ProcessingJobs" in in_jobs[0]


@pytest.mark.parametrize("what", [definitions, logs, objects, tables, files])
def test_no_planted_value_is_found_where_a_word_that_must_be_there_is(planted: Planted, what: object) -> None:
    places = list(what(planted.up))
    assert places_of(places, EXPERIMENT), "the search finds nothing at all"
    # The client's own settings of ZenML lie in the rehearsal's folder, too: who submits keeps the key there.
    places = [(name, data) for name, data in places if not name.startswith(("zenml/client/", "rehearsal.json"))]
    for number, value in enumerate(planted.values):
        assert places_of(places, value) == [], f"value {number} of the planted ones"


def test_the_terminal_shows_no_planted_value(planted: Planted) -> None:
    said = [(name, text.encode()) for name, text in planted.said.items()]
    assert len(places_of(said, EXPERIMENT)) == 2
    assert [value for value in planted.values if places_of(said, value)] == []


def test_the_only_secret_in_a_jobs_environment_is_zenmls_own_token(planted: Planted) -> None:
    tokens = re.compile(rb'"(\w+?)(?:_CHUNK_\d+)?": "[^"]*eyJ[\w-]{9}')
    found = {name.decode() for _, data in definitions(planted.up) for name in tokens.findall(data)}
    assert found == {TOKEN}
    whole = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
    assert all(whole.search(data.decode()) for name, data in definitions(planted.up) if name.endswith(" environment"))


def test_what_zenmls_store_does_not_have_is_named_with_what_it_has(planted: Planted) -> None:
    told = planted.asked.splitlines()[-3:]
    assert told[0].startswith("ConfigError ZenML has no secret none, or does not show it to you")
    assert told[1] == "ConfigError ZenML's secret labels has no key user; its keys are region"
    assert told[2].startswith("ConfigError ZenML has no secret label,")


def test_a_variable_that_a_job_would_not_have_is_refused_before_anything_starts(tmp_path: Path) -> None:
    bench = Workbench.make(tmp_path, tmp_path / "zenml", "EXP-8-variable")
    bench.config["production"]["labels"]["params"] = {"team": "${env:TEAM}"}
    bench.write_config()
    for options in ((), ("--check",)):
        ran = bench.run("--stack", "rehearsal", *options, TEAM="sesame")
        assert ran.code == 2 and "sesame" not in ran.said
        assert "error: production.labels.params.team: ${env:TEAM} is a variable of this machine" in ran.err
    assert list(bench.working_directory().iterdir()) == [] and not bench.home.exists()


def test_the_search_finds_a_value_that_travels_in_pieces() -> None:
    value = _secret("any")
    pieces = {f"PIECE_{number}": value[number * 3 : number * 3 + 3] for number in range(20)}
    assert places_of([("it", joined({"A": "x", **pieces, "Z": "y"}).encode())], value) == ["it"]


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("code", [str, quote, lambda text: b64encode(text.encode()).decode()])
def test_the_search_finds_a_value_however_it_is_encoded(before: str, code: object) -> None:
    value = _secret("any")
    assert places_of([("it", f"x {code(before + value + before)} y".encode())], value) == ["it"]
    assert places_of([("it", f"x {code(before + 'other' + before)} y".encode())], value) == []


def test_the_search_finds_a_value_in_what_is_packed() -> None:
    value = _secret("any")
    text, tar, archive, table = value.encode(), io.BytesIO(), io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as packed:
        entry = tarfile.TarInfo("inner")
        entry.size = len(text)
        packed.addfile(entry, io.BytesIO(text))
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("inner", gzip.compress(text))
    pq.write_table(pa.table({"a": [value] * 50}), table, compression="gzip", write_statistics=False)
    for data in (tar, archive, table):
        assert not any(form in data.getvalue() for form in forms_of(value))
        assert places_of(unpacked("it", data.getvalue()), value), data


def _secret(name: str) -> str:
    """A value with characters that URLs and JSON write otherwise."""
    return f"{name}-p@ss/w0rd% {uuid.uuid4().hex}"


def _publish(up: Rehearsal, production: Path) -> None:
    client = up.client("s3")
    for path in production.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), "rehearsal", f"production/tiny/{path.relative_to(production)}")


def _configs(bench: Workbench) -> tuple[Path, Path]:
    """The experiment with a database that does not answer, and with one that wants both secrets to give any row."""
    labels = bench.config["production"]["labels"]
    bench.config["production"]["files"] = "s3://rehearsal/production/tiny/files"
    bench.config["compute"] = {"train": {"instance_type": "ml.m5.large"}}
    bench.config["checks"] = UNCHECKED
    wanted = "substr(:team, 1, 9) = 'team-p@ss' AND substr(:region, 1, 11) = 'region-p@ss'"
    labels["query"] = f"SELECT guid, label FROM rules WHERE {wanted}"
    labels["params"] = {"team": "${aws:finetune/labels.team}", "region": "${zenml:labels.region}"}
    unanswered = {"url": "mysql+pymysql://reader:${aws:finetune/labels.password}@127.0.0.1:1/labels"}
    configs = []
    for name, changed in (("failing", labels | unanswered), ("completing", labels)):
        production = bench.config["production"] | {"labels": changed}
        configs.append(bench.folder / f"{name}.yaml")
        configs[-1].write_text(yaml.safe_dump(bench.config | {"production": production}), encoding="utf-8")
    return configs[0], configs[1]
