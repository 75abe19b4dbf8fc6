import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from finetune.config.transform import TransformConfig
from finetune.errors import ComputeError
from finetune.transform.records import Failed, Record
from finetune.transform.work import Answered, Plan, Work
from operators.request import AccountSettings
from operators.transform import Wanted, ask_sagemaker, transform_request
from rehearsal import Rehearsal
from rehearsal.fixture import skip_where_refused
from tests.finetune.s3_server import environment
from tests.operators.serving import SERVE, package
from tests.rehearsal.serving import serving_rehearsal

KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"


class Stage:
    """Asks packages in a rehearsal by transform jobs."""

    def __init__(self, up: Rehearsal) -> None:
        self.up, self.clients, self.said = up, cache(up.client), list[str]()
        self.base = f"s3://{up.settings.bucket}"
        self.clients("s3").put_object(Bucket=up.settings.bucket, Key="model.tar.gz", Body=package())

    def work(self, name: str, texts: list[str], **settings: Any) -> tuple[Work, Plan, Wanted]:
        work = Work(f"{self.base}/{name}")
        found = [Record(str(number), {"text.txt": text}, f"line {number}") for number, text in enumerate(texts)]
        plan = work.planned(name, found, per_file=2, most_bytes=1 << 20)
        account = AccountSettings(role=self.up.settings.role_arn, output="", kms_key=KEY)
        tags = {"finetune:run": "7"}
        return (
            work,
            plan,
            Wanted("EXP-1-tiny-7", f"{self.base}/model.tar.gz", "any", account, TransformConfig(**settings), tags),
        )

    def ask(self, work: Work, plan: Plan, wanted: Wanted) -> list[Answered | Failed]:
        ask_sagemaker(self.clients, work, work.todo(plan), wanted, self.said.append, poll_s=0.2)
        return list(work.results(plan))

    def jobs(self, name: str) -> list[dict[str, Any]]:
        found = self.clients("sagemaker").list_transform_jobs(NameContains=name, SortOrder="Ascending", MaxResults=100)
        described = [
            self.clients("sagemaker").describe_transform_job(TransformJobName=each["TransformJobName"])
            for each in found["TransformJobSummaries"]
        ]
        return [job for job in described if f"/{name}/" in job["TransformOutput"]["S3OutputPath"] + "/"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    skip_where_refused()
    with serving_rehearsal(tmp_path_factory.mktemp("transform"), SERVE) as up, environment(**up.environment):
        yield Stage(up)


def test_records_are_answered_and_what_the_model_refuses_is_told(stage: Stage) -> None:
    found = stage.ask(*stage.work("all", ["golden", "", "12345", "1"]))
    assert [each.guid for each in found] == ["0", "1", "2", "3"]
    assert isinstance(found[0], Answered) and found[0].probabilities == {"a": 0.75, "b": 0.25}
    assert found[1] == Failed("1", "encode_data drops it", "line 1")
    [job] = stage.jobs("all")
    assert job["TransformJobStatus"] == "Completed" and job["TransformOutput"]["KmsKeyId"] == KEY
    assert "loading the model" in stage.said
    assert stage.clients("sagemaker").list_models()["Models"] == []


def test_a_job_that_fails_says_why_and_the_next_call_does_only_what_is_missing(stage: Stage) -> None:
    work, plan, wanted = stage.work("again", ["1", "2", "crash", "4", "5"])
    with pytest.raises(ComputeError) as caught:
        stage.ask(work, plan, wanted)
    assert "failed: AlgorithmError: See job logs" in str(caught.value) and "the model crashed" in str(caught.value)
    assert work.todo(plan) == ["part-00001.jsonl"]
    lines = [json.dumps({"guid": guid, "instance": {"text.txt": "fine"}, "source": ""}) for guid in ("2", "3")]
    work.storage.write(work.input("part-00001.jsonl"), "\n".join(lines).encode())
    assert len(stage.ask(work, plan, wanted)) == 5
    assert [job["TransformJobStatus"] for job in stage.jobs("again")] == ["Failed", "Completed"]
    manifest = stage.jobs("again")[1]["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    assert json.loads(work.storage.read(manifest) or b"")[1:] == ["part-00001.jsonl"]


def test_a_job_that_runs_already_is_waited_for(stage: Stage) -> None:
    work, plan, wanted = stage.work("twice", ["1", "2"])
    with pytest.raises(KeyboardInterrupt):
        ask_sagemaker(stage.clients, work, work.todo(plan), wanted, interrupting, poll_s=0.2)
    assert len(stage.ask(work, plan, wanted)) == 2
    assert stage.clients("sagemaker").list_models()["Models"] == []


def interrupting(line: str) -> None:
    raise KeyboardInterrupt


def test_a_quota_of_zero_starts_nothing(stage: Stage) -> None:
    stage.up.limit(quotas={"ml.m5.xlarge for transform job usage": 0})
    with pytest.raises(ComputeError, match="ResourceLimitExceeded"):
        stage.ask(*stage.work("unbought", ["1"]))
    stage.up.limit(quotas={})
    assert stage.clients("sagemaker").list_models()["Models"] == [] == stage.jobs("unbought")


def test_the_request_holds_what_the_config_says(stage: Stage) -> None:
    more = {
        "strategy": "SingleRecord",
        "max_payload_mb": 2,
        "max_concurrent": 3,
        "join_source": "None",
        "output_filter": "$",
    }
    work, _, wanted = stage.work("asked", [], **more)
    request = transform_request("job", work, wanted)
    assert (request["BatchStrategy"], request["MaxPayloadInMB"], request["MaxConcurrentTransforms"]) == (
        "SingleRecord",
        2,
        3,
    )
    assert request["DataProcessing"] == {"InputFilter": "$.instance", "OutputFilter": "$", "JoinSource": "None"}
    assert request["TransformResources"]["VolumeKmsKeyId"] == KEY
