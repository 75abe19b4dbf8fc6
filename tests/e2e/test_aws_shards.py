"""EXP-4001 on SageMaker, as a rehearsal serves it: groups in jobs of their own give the same table."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from experiments.waveforms.sample import build_records, records
from finetune.storage.copy import hash_file
from finetune.storage.publish import publish
from rehearsal.fixture import skip_where_refused
from tests.e2e.aws import Aws, on_aws
from tests.e2e.workbench import REPOSITORY, Warm, Workbench
from tests.finetune.s3_server import environment
from tests.rehearsal.zenml.test_pipeline import check_calls


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Iterator[Aws]:
    skip_where_refused()
    folder = tmp_path_factory.mktemp("shards")
    bench = Workbench.make(folder, folder / "zenml", "EXP-8-waveforms-on-aws", warm)
    (bench.project / "experiments" / "waveforms").mkdir()
    functions = Path("experiments", "waveforms", "functions.py")
    shutil.copy(REPOSITORY / functions, bench.project / functions)
    bench.config = yaml.safe_load((REPOSITORY / "configs" / "EXP-4001.yaml").read_text(encoding="utf-8"))
    bench.config["experiment"], bench.config["root"] = bench.experiment, str(folder / "outputs")
    bench.config["production"]["files"] = str(folder / "waveforms" / "files")
    bench.config["production"]["labels"]["url"] = f"sqlite:///{folder}/waveforms/labels.db"
    del bench.config["production"]["sample"]
    bench.config["prepare"] |= {"processes": 1, "shards": {"groups": 2}}
    bench.config["compute"] = {"encode_groups": [{"instance_type": "ml.m5.4xlarge"}]}
    build_records(folder / "waveforms", list(records(2, 4, 20))[:20])
    with on_aws(bench) as aws:
        with environment(**aws.up.environment):
            publish(folder / "waveforms", "s3://rehearsal/production/waveforms")
        yield aws


def test_groups_run_in_jobs_of_their_own_and_give_what_this_machine_gives(aws: Aws, tmp_path: Path) -> None:
    code, said = aws.run()
    assert code == 0, said
    sagemaker = aws.up.client("sagemaker")
    jobs = sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    assert [job["ProcessingJobStatus"] for job in jobs] == ["Completed"] * 5
    (larger,) = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    job = sagemaker.describe_training_job(TrainingJobName=larger["TrainingJobName"])
    assert job["ResourceConfig"]["InstanceType"] == "ml.m5.4xlarge" and "-encode-" in job["TrainingJobName"]
    assert {"encode_group_0", "encode_group_1", "merge"} <= aws.record(1)["seconds"].keys()
    bucket, _, key = aws.record(1)["artifacts"]["features"].removeprefix("s3://").partition("/")
    aws.up.client("s3").download_file(bucket, f"{key}/table.parquet", str(tmp_path / "there.parquet"))
    local = aws.bench.warm_run("--set", "prepare.shards.groups=1")
    assert local.code == 0, local.said
    here = Path(aws.bench.record(1)["artifacts"]["features"], "table.parquet")
    assert hash_file(here) == hash_file(tmp_path / "there.parquet")
    home = f"outputs/{aws.bench.experiment}"
    assert "Contents" not in aws.up.client("s3").list_objects_v2(Bucket="rehearsal", Prefix=f"{home}/data/parts/")
    page = aws.up.client("s3").get_object(Bucket="rehearsal", Key=f"{home}/runs/1/report.html")["Body"].read()
    assert b"20 of" in page


def test_files_that_sagemaker_deals_to_two_instances_give_what_this_machine_gives(aws: Aws, tmp_path: Path) -> None:
    with environment(**aws.up.environment):
        publish(aws.bench.production, "s3://rehearsal/production/lengths")
    sagemaker = aws.up.client("sagemaker")
    before = {job["TrainingJobName"] for job in sagemaker.list_training_jobs()["TrainingJobSummaries"]}
    config = {
        "experiment": "EXP-9-lengths",
        "functions": "lengths",
        "pipeline": "features",
        "root": aws.bench.config["root"],
        "production": {
            "labels": {"url": f"sqlite:///{aws.bench.production}/labels.db", "query": "SELECT guid, label FROM rules"},
            "files": str(aws.bench.production / "files"),
            "files_from_production": ["text.json"],
        },
        "prepare": {"processes": 1, "shards": {"groups": 2, "by": "s3_key"}},
        "compute": {"encode_group": {"instance_type": "ml.m5.large"}},
    }
    file = tmp_path / "lengths.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    code, said = aws.called("--config", str(file))
    assert code == 0, said
    (job,) = {job["TrainingJobName"] for job in sagemaker.list_training_jobs()["TrainingJobSummaries"]} - before
    described = sagemaker.describe_training_job(TrainingJobName=job)
    assert described["ResourceConfig"]["InstanceCount"] == 2
    (channel,) = described["InputDataConfig"]
    assert channel["DataSource"]["S3DataSource"]["S3DataDistributionType"] == "ShardedByS3Key"
    shares = [int(number) for number in re.findall(r"dealt to 2 instances: (\d+) \+ (\d+) ids", said)[0]]
    assert min(shares) > 0
    s3, home = aws.up.client("s3"), "outputs/EXP-9-lengths"
    assert "Contents" not in s3.list_objects_v2(Bucket="rehearsal", Prefix=f"{home}/data/parts/")
    record = json.loads(s3.get_object(Bucket="rehearsal", Key=f"{home}/runs/1/run.json")["Body"].read())
    bucket, _, key = record["artifacts"]["features"].removeprefix("s3://").partition("/")
    s3.download_file(bucket, f"{key}/table.parquet", str(tmp_path / "there.parquet"))
    local = aws.bench.warm.run(
        ["--config", str(file)], aws.bench.working_directory(), {"PYTHONPATH": str(aws.bench.project)}
    )
    assert local.code == 0, local.said
    record = json.loads(Path(config["root"], "EXP-9-lengths", "runs", "1", "run.json").read_text(encoding="utf-8"))
    here = Path(record["artifacts"]["features"], "table.parquet")
    assert sum(shares) == len(pq.read_table(here)) and hash_file(here) == hash_file(tmp_path / "there.parquet")


def test_the_rows_are_in_a_group_that_another_experiment_finds_by_its_name(aws: Aws, tmp_path: Path) -> None:
    rows = len(pq.read_table(Path(aws.bench.record(1)["artifacts"]["features"], "table.parquet")))
    runtime = aws.up.client("sagemaker-featurestore-runtime")
    name = next(records(2, 4, 20)).name
    found = runtime.get_record(FeatureGroupName="waveform-signals", RecordIdentifierValueAsString=f"{name}-II")
    assert {"FeatureName": "signal", "ValueAsString": "II"} in found["Record"]
    config = yaml.safe_load((REPOSITORY / "configs" / "EXP-4002.yaml").read_text(encoding="utf-8"))
    config["production"]["labels"]["url"] = "s3://rehearsal/production/waveforms/labels.db"
    del config["production"]["sample"]
    (tmp_path / "rhythms.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    checked, said = aws.called("--config", str(tmp_path / "rhythms.yaml"), "--check")
    assert checked == 0 and "the functions were tried on" in said, said
    listed, said = aws.called("features")
    assert listed == 0 and f" {rows} " in said, said
    check_calls(aws.up, "test_aws_shards")
