"""EXP-3333, with fewer ids and steps, on this machine and on a rehearsal of SageMaker, from the same config.

There two machines train it, with a process each, and here two processes.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from experiments.license_mentions.sample import build
from rehearsal import Rehearsal
from rehearsal.fixture import skip_where_refused
from rehearsal.zenml.account import PASSWORD, USER
from stacks.files import load_stack
from tests.e2e.browser import CHROMIUM, NO_BROWSER, see_run
from tests.e2e.workbench import REPOSITORY, clean_environment
from tests.rehearsal.zenml.test_pipeline import check_calls

EXPERIMENT = "EXP-3333-license-mentions"
STEPS = ("snapshot", "reconcile", "check_data", "prepare", "train", "evaluate")
CONFIG = f"""
extends: {REPOSITORY}/configs/EXP-3333.yaml
production:
  labels:
    query: >-
      SELECT guid, label, license_expression, file_hash
      FROM (SELECT *, row_number() OVER (PARTITION BY label ORDER BY file_hash) AS place FROM rules)
      WHERE place <= 30
prepare: {{dataset_name: few, max_per_label: 24}}
train: {{epochs: 1, batch_size: 8}}
compute:
  train:
    instance_type: ml.g5.xlarge
    instance_count: 2
    environment: {{OMP_NUM_THREADS: "1", TORCH_LOGS: torch.distributed.elastic.agent.server.api}}
"""
TWO = ("--set", "train.processes=2")


@dataclass(frozen=True)
class Place:
    """Where one of the two runs happens."""

    folder: Path
    environment: dict[str, str]
    stack: str
    options: tuple[str, ...] = ()

    def run(self) -> str:
        run = [sys.executable, str(REPOSITORY / "run.py"), "--config", "config.yaml", "--stack", self.stack]
        command = [*run, *self.options]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def facts(self) -> dict[str, Any]:
        environment = self.environment | {"PYTHONPATH": str(REPOSITORY)}
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("facts.py"))], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with the config, and a production of the ids that it selects: real texts and labels."""
    made = tmp_path_factory.mktemp("portability")
    (made / "config.yaml").write_text(CONFIG)
    whole, production = made / "whole", made / "outputs" / "production" / "license_mentions"
    build(whole)
    query = yaml.safe_load(CONFIG)["production"]["labels"]["query"]
    with closing(sqlite3.connect(whole / "labels.db")) as database:
        guids = [row[0] for row in database.execute(query)]
    for guid in guids:
        shutil.copytree(whole / "files" / guid, production / "files" / guid)
    shutil.copy(whole / "labels.db", production)
    shutil.rmtree(whole)
    return made


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Rehearsal]:
    """The rehearsal where run.py looks for it."""
    skip_where_refused()
    with Rehearsal(folder / "outputs" / "rehearsal") as rehearsal:
        yield rehearsal


@pytest.fixture(scope="module")
def local(folder: Path) -> tuple[str, dict[str, Any]]:
    place = Place(folder, _environment(folder), "local", TWO)
    return place.run(), place.facts()


@pytest.fixture(scope="module")
def rehearsed(folder: Path, up: Rehearsal) -> Place:
    return Place(folder, _environment(folder) | up.environment, "rehearsal")


@pytest.fixture(scope="module")
def remote(rehearsed: Place) -> tuple[str, dict[str, Any]]:
    return rehearsed.run(), rehearsed.facts()


def test_both_make_the_same_manifest_dataset_predictions_and_metrics(
    local: tuple[str, dict[str, Any]], remote: tuple[str, dict[str, Any]]
) -> None:
    here, there = local[1], remote[1]
    for name in ("manifest", "dataset_few", "predictions"):
        assert here["sha256"][name] == there["sha256"][name], name
    assert here["metrics"] == there["metrics"]
    assert _table(local[0]) == _table(remote[0]) != []


def test_the_definition_holds_the_steps_with_their_machines(remote: tuple[str, dict[str, Any]], up: Rehearsal) -> None:
    described = up.client("sagemaker").describe_pipeline_definition_for_execution(
        PipelineExecutionArn=remote[1]["execution"]
    )
    steps = {step["Name"]: step for step in json.loads(described["PipelineDefinition"])["Steps"]}
    assert set(steps) == set(STEPS)
    for step in steps.values():
        cluster = step["Arguments"]["ProcessingResources"]["ClusterConfig"]
        assert (step["Type"], cluster["InstanceType"], cluster["InstanceCount"]) == ("Processing", "ml.t3.medium", 1)


def test_two_machines_trained_and_the_first_alone_speaks(remote: tuple[str, dict[str, Any]], up: Rehearsal) -> None:
    (job,) = up.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    hosts = [_log(up, f"{job['TrainingJobName']}/{host}-") for host in ("algo-1", "algo-2")]
    for rank, said in enumerate(hosts):
        assert f"global_ranks=[{rank}]\n" in said and "global_world_sizes=[2]\n" in said, said
    assert [said.count("train: keeps step ") for said in hosts] == [1, 0]


def test_train_ran_as_a_training_job_of_the_requested_type_and_count(
    remote: tuple[str, dict[str, Any]], up: Rehearsal, folder: Path
) -> None:
    client = up.client("sagemaker")
    jobs = [job["TrainingJobName"] for job in client.list_training_jobs()["TrainingJobSummaries"]]
    assert len(jobs) == 1
    job = client.describe_training_job(TrainingJobName=jobs[0])
    resources = job["ResourceConfig"]
    assert job["TrainingJobStatus"] == "Completed"
    assert (resources["InstanceType"], resources["InstanceCount"]) == ("ml.g5.xlarge", 2)
    values = load_stack("rehearsal").values
    assert values is not None
    assert job["OutputDataConfig"]["KmsKeyId"] == values.kms_key
    assert job["VpcConfig"] == {"Subnets": values.subnets, "SecurityGroupIds": values.security_groups}
    assert job["EnableInterContainerTrafficEncryption"] is True
    assert values.tags.items() <= _tags(client, job["TrainingJobArn"]).items()
    pipeline = remote[1]["execution"].rpartition("/execution/")[0]
    assert values.tags.items() <= _tags(client, pipeline).items()
    record = json.loads((folder / "outputs" / "from-rehearsal" / EXPERIMENT / "1" / "run.json").read_text())
    assert "@sha256:" in record["versions"]["image"]
    assert job["AlgorithmSpecification"]["TrainingImage"] == record["versions"]["image"]
    checkpoints = f"outputs/{EXPERIMENT}/runs/1/checkpoints"
    assert job["CheckpointConfig"] == {"S3Uri": f"s3://rehearsal/{checkpoints}", "LocalPath": "/opt/ml/checkpoints"}
    left = up.client("s3").list_objects_v2(Bucket="rehearsal", Prefix=checkpoints)
    assert left["KeyCount"] == 0, "a completed run needs none"


def test_artifacts_with_versions_lie_in_s3_encrypted_with_the_stacks_key(
    remote: tuple[str, dict[str, Any]], up: Rehearsal
) -> None:
    facts, values, s3 = remote[1], load_stack("rehearsal").values, up.client("s3")
    assert values is not None
    assert {"production", "manifest", "dataset_few", "model", "metrics", "predictions", "report"} <= set(facts["uris"])
    assert all(uri.startswith("s3://rehearsal/zenml/") for uri in facts["uris"].values())
    assert all(facts["versions"].values())
    s3, store = up.client("s3"), "s3://rehearsal/"
    found = {
        name: s3.list_objects_v2(Bucket="rehearsal", Prefix=f"{uri.removeprefix(store)}/")["KeyCount"]
        for name, uri in facts["uris"].items()
    }
    assert all(found.values()), found
    for name, uri in facts["uris"].items():
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
        used = {s3.head_object(Bucket=bucket, Key=key).get("SSEKMSKeyId") for key in keys}
        assert used == {values.kms_key}, (name, keys)


@pytest.mark.skipif(CHROMIUM is None, reason=NO_BROWSER)
def test_the_dashboard_shows_the_run_and_its_report(
    remote: tuple[str, dict[str, Any]], up: Rehearsal, folder: Path
) -> None:
    page = f"{up.dashboard}/projects/default/runs/{remote[1]['id']}"
    macro_f1 = f"{remote[1]['metrics']['metrics']['macro_f1']:.3f}"
    see_run(page, steps=STEPS, in_report=macro_f1, pictures=folder, login=(USER, PASSWORD))


def test_a_second_run_is_cached(remote: tuple[str, dict[str, Any]], rehearsed: Place) -> None:
    said, facts = rehearsed.run(), rehearsed.facts()
    assert facts["statuses"] == {name: "completed" if name == "snapshot" else "cached" for name in STEPS}
    assert "train cached" in said and _table(said) == _table(remote[0])
    assert facts["id"] != remote[1]["id"]
    made = {name: version for name, version in facts["versions"].items() if name not in ("production", "labels")}
    assert made == {name: remote[1]["versions"][name] for name in made} != {}


def test_each_call_of_who_submits_and_of_the_jobs_is_allowed_by_its_policy(
    remote: tuple[str, dict[str, Any]], up: Rehearsal
) -> None:
    check_calls(up, "test_portability")


def _log(up: Rehearsal, stream: str) -> str:
    client, group = up.client("logs"), "/aws/sagemaker/TrainingJobs"
    (found,) = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]
    events = client.get_log_events(logGroupName=group, logStreamName=found["logStreamName"], startFromHead=True)
    return "".join(f"{event['message']}\n" for event in events["events"])


def _tags(client: Any, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]}


def _environment(folder: Path) -> dict[str, str]:
    """As many threads on both sides: they decide in which order numbers are added up."""
    environment = clean_environment(folder / "zenml")
    del environment["OMP_NUM_THREADS"]
    return environment


def _table(said: str) -> list[str]:
    return [line for line in said.splitlines() if "this model" in line or "TF-IDF" in line or "majority" in line]
