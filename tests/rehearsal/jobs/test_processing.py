import json
from typing import Any

import pytest

WORK = """
import json, os
job = json.load(open("/opt/ml/config/processingjobconfig.json"))
print(json.dumps([job["ProcessingJobArn"], os.environ["COLOUR"], open("/opt/ml/processing/input/data/a.txt").read()]))
os.makedirs("/opt/ml/processing/output/rows/deep", exist_ok=True)
open("/opt/ml/processing/output/rows/deep/r.txt", "w").write("row")
open("/opt/ml/output/message", "w").write("all rows done")
"""


def output(bench: Any, mode: str = "EndOfJob") -> tuple[dict[str, Any], str]:
    prefix = f"rows/{bench.name('o')}"
    target = {
        "S3Uri": f"s3://{bench.bucket}/{prefix}",
        "LocalPath": "/opt/ml/processing/output/rows",
        "S3UploadMode": mode,
    }
    return {"Outputs": [{"OutputName": "rows", "S3Output": target}]}, prefix


def test_inputs_come_and_outputs_go(bench: Any) -> None:
    config, prefix = output(bench)
    data = {"S3Uri": bench.put(a_txt="A"), "LocalPath": "/opt/ml/processing/input/data", "S3DataType": "S3Prefix"}
    name = bench.process(
        WORK,
        inputs=[{"InputName": "data", "S3Input": data | {"S3InputMode": "File"}}],
        ProcessingOutputConfig=config,
        Environment={"COLOUR": "red"},
    )
    job = bench.processed(name)
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "all rows done")
    assert json.loads(bench.lines(name, "Processing")[0]) == [job["ProcessingJobArn"], "red", "A"]
    assert bench.read(f"{prefix}/deep/r.txt") == b"row"


def test_a_continuous_output_is_there_before_the_end(bench: Any) -> None:
    config, prefix = output(bench, "Continuous")
    code = "import time\nopen('/opt/ml/processing/output/rows/first', 'w').write('1')\ntime.sleep(60)"
    name = bench.process(code, ProcessingOutputConfig=config)
    bench.until(lambda: bench.keys(prefix), lambda keys: keys == [f"{prefix}/first"])
    bench.sagemaker.stop_processing_job(ProcessingJobName=name)
    assert bench.processed(name)["ProcessingJobStatus"] == "Stopped"


def test_a_failure_sends_the_reader_to_the_logs(bench: Any) -> None:
    config, prefix = output(bench)
    code = "open('/opt/ml/processing/output/rows/r', 'w').write('r')\nraise ValueError('no rows')"
    name = bench.process(code, ProcessingOutputConfig=config)
    job = bench.processed(name)
    assert (job["ProcessingJobStatus"], job["FailureReason"]) == (
        "Failed",
        "AlgorithmError: See job logs for more information",
    )
    assert bench.lines(name, "Processing")[-1] == "ValueError: no rows"
    assert bench.keys(prefix) == []


def test_lists_are_filtered_and_paged(bench: Any) -> None:
    names = [bench.process("") for _ in range(3)]
    for name in names:
        bench.processed(name)
    listed: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = bench.sagemaker.list_processing_jobs(
            NameContains="work-", StatusEquals="Completed", MaxResults=2, SortOrder="Ascending", **token
        )
        listed += [each["ProcessingJobName"] for each in answer["ProcessingJobSummaries"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert [name for name in listed if name in names] == names and len(listed) == len(set(listed))


@pytest.mark.parametrize("path", ["/data/rows", "/opt/ml/../../data"])
def test_a_path_outside_opt_ml_is_named(bench: Any, path: str) -> None:
    target = {"S3Uri": f"s3://{bench.bucket}/rows", "LocalPath": path, "S3UploadMode": "EndOfJob"}
    job = bench.processed(
        bench.process("", ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": target}]})
    )
    assert job["FailureReason"] == f"ClientError: local path {path}: the rehearsal serves paths below /opt/ml only"


def test_an_input_that_is_missing_is_named(bench: Any) -> None:
    source = {"S3Uri": f"s3://{bench.bucket}/no/rows", "LocalPath": "/opt/ml/processing/input/rows"}
    given = [{"InputName": "rows", "S3Input": source | {"S3DataType": "S3Prefix", "S3InputMode": "File"}}]
    job = bench.processed(bench.process("", inputs=given))
    assert f"s3://{bench.bucket}/no/rows" in job["FailureReason"]


def test_tags_are_kept(bench: Any) -> None:
    name = bench.process("", Tags=[{"Key": "team", "Value": "red"}])
    arn = bench.processed(name)["ProcessingJobArn"]
    bench.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "cost", "Value": "low"}])
    bench.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert bench.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "cost", "Value": "low"}]
