"""What a user of run.py sees when AWS, ZenML's server or the account ail, as a rehearsal serves it."""

import signal
from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config

from finetune.experiment import Home
from rehearsal.fixture import skip_where_refused
from tests.e2e.aws import Aws, Running, on_aws, until
from tests.e2e.workbench import UNCHECKED, Workbench
from tests.finetune.s3_server import environment

EXPERIMENT = "EXP-5-faults"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    skip_where_refused()
    folder = tmp_path_factory.mktemp("faults")
    bench = Workbench.make(folder, folder / "zenml", EXPERIMENT)
    bench.config["compute"] = {"train": {"instance_type": "ml.m5.large"}}
    bench.config["checks"] = UNCHECKED
    with on_aws(bench) as aws:
        yield aws


@pytest.fixture
def account(aws: Aws) -> Iterator[Aws]:
    """The account, which is as it was afterwards."""
    yield aws
    aws.up.limit(quotas={}, foreign_buckets=[], expired_token=False, s3_unavailable=0, s3_resets=0)


def refused(aws: Aws, *words: str, **changes: str) -> None:
    """run.py ends before a run begins, and says why."""
    code, said = aws.run(**changes)
    assert code == 2, said
    assert "Traceback" not in said and said.count("error: ") == 1, said
    for word in words:
        assert word in said
    aws.up.limit(foreign_buckets=[], expired_token=False)
    assert aws.up.client("s3").list_objects_v2(Bucket="rehearsal", Prefix="outputs/").get("Contents", []) == []


def test_without_credentials_nothing_begins(account: Aws) -> None:
    nothing = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_CONFIG_FILE": "/none"}
    refused(account, "there are no AWS credentials", "aws sso login", **nothing, AWS_SHARED_CREDENTIALS_FILE="/none")


def test_with_an_expired_token_nothing_begins(account: Aws) -> None:
    account.up.limit(expired_token=True)
    refused(account, "the AWS credentials have expired; sign in again")


def test_with_a_bucket_of_another_account_nothing_begins(account: Aws) -> None:
    account.up.limit(foreign_buckets=["rehearsal"])
    refused(account, "s3://rehearsal/", "access is denied: the bucket belongs to another account")


def test_in_a_region_that_has_not_the_image_nothing_begins(account: Aws) -> None:
    words = ("stacks/sagemaker.yaml:", "image must be in region", "as the jobs are, but got us-east-1")
    refused(account, *words, AWS_REGION="eu-west-1", AWS_DEFAULT_REGION="eu-west-1")


def test_an_instance_type_that_does_not_exist_is_refused(account: Aws) -> None:
    code, said = account.run("--set", "compute.train.instance_type=ml.g55.xlarge")
    assert code == 2 and "compute.train.instance_type" in said and "ml.g55.xlarge" in said, said


def test_without_zenmls_server_nothing_begins(account: Aws) -> None:
    refused(account, "error: ZenML's server does not answer (", "zenml login URL", ZENML_STORE_URL="http://127.0.0.1:9")


def failed(aws: Aws, *words: str, **changes: str) -> None:
    """The run has a number; submitting it or its first step fails, with AWS's reason."""
    code, said = aws.run(**changes)
    assert code == 1 and "Traceback" not in said, said
    for word in words:
        assert word in said, said
    assert "go on with:\n  python run.py resume EXP-" in said
    numbers = [line.split("run ")[1].split(",")[0] for line in said.splitlines() if ", on stack sagemaker" in line]
    assert aws.record(int(numbers[0]))["status"] == "failed"


def test_a_role_that_cannot_be_assumed_fails_with_the_reason(account: Aws) -> None:
    role = "arn:aws:iam::123456789012:role/nobody"
    words = (f"error: submitting the run: Could not assume role {role}", "stack check")
    failed(account, *words, FINETUNE_ROLE=role)


def test_an_image_that_is_missing_fails_with_the_reason(account: Aws) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/finetune:gone"
    failed(account, "snapshot failed: ", image, FINETUNE_IMAGE=image)


def test_a_quota_of_zero_fails_with_the_reason(account: Aws) -> None:
    account.up.limit(quotas={"ml.t3.medium for processing job usage": 0})
    failed(account, "snapshot failed: ", "'ml.t3.medium for processing job usage' is 0 Instances")


def test_ctrl_c_while_the_run_is_handed_to_aws_leaves_a_run_that_can_be_stopped(account: Aws) -> None:
    before = account.times("sagemaker:CreatePipeline")
    running = account.start()
    until(lambda: account.times("sagemaker:CreatePipeline") > before)
    running.process.send_signal(signal.SIGINT)
    assert running.end() == 0, running.said
    assert "Traceback" not in running.said
    assert "the run goes on; to look, and to stop it:\n  python run.py status EXP-5-faults/" in running.said
    number = int(running.said.split(f"status {EXPERIMENT}/")[1].split()[0])
    assert account.record(number)["status"] == "running"
    code, said = account.run("--run-number", str(number))
    assert code == 2 and "still runs on stack sagemaker; wait for it" in said, said
    code, said = account.command("stop", f"{EXPERIMENT}/{number}")
    assert code == 0 and "stopped pipeline execution" in said, said


@pytest.fixture(scope="module")
def both(aws: Aws) -> list[Running]:
    """Two runs at once, which share no step, while S3 fails and ZenML's server is away for 30 s.

    All this happens to both while another process holds the experiment home. An earlier run that was stopped may have
    reconciled: they take its results out of the cache.
    """
    home = Home("s3://rehearsal/outputs", EXPERIMENT)
    with environment(**aws.up.environment), home.storage.locked(str(home.lock), "the home"):
        runs = [aws.start("--no-cache"), aws.start("--no-cache", "--set", "train.seed=5")]
        for run in runs:
            run.until(f"[reconcile] {EXPERIMENT}'s experiment home is busy: process ")
        aws.up.limit(s3_unavailable=4, s3_resets=3)
        aws.gateway.away(30)
    for run in runs:
        run.end()
    return runs


def test_two_runs_at_once_end_well_though_s3_fails_and_zenmls_server_is_away(aws: Aws, both: list[Running]) -> None:
    assert [run.process.returncode for run in both] == [0, 0], "\n\n".join(run.said for run in both)
    said = "\n".join(run.said for run in both)
    numbers = sorted(line.split(",")[1] for line in said.splitlines() if line.endswith(", on stack sagemaker"))
    assert len(set(numbers)) == 2
    for number in numbers:
        record = aws.record(int(number.removeprefix(" run ")))
        assert record["status"] == "completed" and record["metrics"]["macro_f1"] > 0.5
    once = Config(retries={"total_max_attempts": 1})
    boto3.client("s3", **client_of(aws), config=once).list_buckets()  # the faults are used up


def client_of(aws: Aws) -> dict[str, str]:
    names = {"endpoint_url": "AWS_ENDPOINT_URL", "region_name": "AWS_REGION"}
    keys = {"aws_access_key_id": "AWS_ACCESS_KEY_ID", "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY"}
    return {name: aws.environment[key] for name, key in (names | keys).items()}


LOOK = """
import os
from cli.main import main
from zenml.client import Client
def state():
    return sorted((each.name, str(each.updated)) for each in Client().list_stack_components().items)
before = state()
print(main(["status", "RUN"]), main(["logs", "RUN", "--step", "train"]))
os.environ |= {"FINETUNE_ROLE": "arn:aws:iam::123456789012:role/another", "FINETUNE_BUCKET": "another"}
os.environ |= {"FINETUNE_IMAGE": "123456789012.dkr.ecr.us-east-1.amazonaws.com/another:1", "AWS_REGION": "us-east-1"}
print(main(["status", "RUN"]))
print(before == state() != [])
"""


def test_status_and_logs_need_no_value_of_the_stack_file_and_change_nothing_of_the_teams_stack(
    aws: Aws, both: list[Running]
) -> None:
    number = both[0].said.split(f"{EXPERIMENT}, run ")[1].split(",")[0]
    script = aws.bench.folder / "look.py"
    script.write_text(LOOK.replace("RUN", f"{EXPERIMENT}/{number}"))
    code, said = aws.python(str(script))
    lines = said.splitlines()
    assert code == 0 and [line for line in lines if line in ("0", "0 0", "True")] == ["0 0", "0", "True"], said
    assert len([line for line in lines if line.startswith("  train  ")]) == 2
    assert any("loss" in line for line in lines), said
