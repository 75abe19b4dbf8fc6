import io
import json
import tarfile
from datetime import timedelta
from typing import Any

LOOK = """
import json, os, socket
config = "/opt/ml/input/config/"
print(json.dumps({
    "hyper": json.load(open(config + "hyperparameters.json")),
    "resource": json.load(open(config + "resourceconfig.json")),
    "inputs": json.load(open(config + "inputdataconfig.json")),
    "host": socket.gethostname(),
    "data": sorted(os.listdir("/opt/ml/input/data/data")),
    "env": dict(os.environ),
    "address": socket.gethostbyname("algo-2") if "algo-2" in open("/etc/hosts").read() else None,
}))
open("/opt/ml/model/" + socket.gethostname(), "w").write("weights")
open("/opt/ml/output/data/report.txt", "w").write("fine")
print("loss=0.5")
print("loss=0.25")
"""


def names(bench: Any, key: str) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(bench.read(key))) as tar:
        return sorted(tar.getnames())


def test_a_job_finds_what_the_container_contract_promises(bench: Any) -> None:
    data = bench.put(a_txt="a", b_txt="b")
    name = bench.train(
        LOOK,
        bench.channel("data", data),
        HyperParameters={"lr": "0.1"},
        Environment={"COLOUR": "red"},
        AlgorithmSpecification={"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]},
    )
    job = bench.trained(name)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed", job
    seen = json.loads(bench.lines(name)[0])
    assert seen["hyper"] == {"lr": "0.1"} and seen["host"] == "algo-1"
    assert seen["resource"]["hosts"] == ["algo-1"] and seen["resource"]["network_interface_name"] == "lo"
    assert seen["inputs"]["data"]["TrainingInputMode"] == "File" and seen["data"] == ["a.txt", "b.txt"]
    assert seen["env"]["COLOUR"] == "red" and seen["env"]["TRAINING_JOB_NAME"] == name
    assert [each["Status"] for each in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert names(bench, f"out/{name}/output/model.tar.gz") == ["algo-1"]
    assert names(bench, f"out/{name}/output/output.tar.gz") == ["report.txt"]
    assert [(each["MetricName"], each["Value"]) for each in job["FinalMetricDataList"]] == [("loss", 0.25)]


def test_two_hosts_know_each_other_and_share_sharded_data(bench: Any) -> None:
    data = bench.put(a_txt="a", b_txt="b", c_txt="c")
    sharded = bench.channel("data", data, "ShardedByS3Key")
    name = bench.train(LOOK, sharded, ResourceConfig={"InstanceCount": 2})
    assert bench.trained(name)["TrainingJobStatus"] == "Completed"
    first, second = (json.loads(bench.lines(name, host=host)[0]) for host in ("algo-1", "algo-2"))
    assert (first["host"], second["host"]) == ("algo-1", "algo-2")
    assert first["resource"]["hosts"] == ["algo-1", "algo-2"] and first["address"] == "127.0.1.2"
    assert (first["data"], second["data"]) == (["a.txt", "c.txt"], ["b.txt"])
    assert names(bench, f"out/{name}/output/model.tar.gz") == ["algo-1", "algo-2"]


def test_a_failure_file_is_the_failure_reason(bench: Any) -> None:
    name = bench.train("import sys\nopen('/opt/ml/output/failure', 'w').write('bad data')\nsys.exit(3)")
    job = bench.trained(name)
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: bad data, exit code: 3")


def test_one_host_that_fails_ends_the_others(bench: Any) -> None:
    code = "import socket, sys, time\nsys.exit(5) if socket.gethostname() == 'algo-2' else time.sleep(60)"
    job = bench.trained(bench.train(code, ResourceConfig={"InstanceCount": 2}))
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 5")


def test_a_job_that_is_killed_fails_with_137(bench: Any) -> None:
    job = bench.trained(bench.train("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"))
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 137")


def test_a_program_that_is_missing_fails_with_127(bench: Any) -> None:
    job = bench.trained(bench.train("", AlgorithmSpecification={"ContainerEntrypoint": ["no-such-program"]}))
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", "AlgorithmError: , exit code: 127")


def test_memory_that_runs_out_is_recognisable(bench: Any) -> None:
    bench.rehearsal.limit(memory_mb={"hungry-*": 200})
    name = bench.name("hungry")
    code = "import time\nheap = []\nwhile True:\n    heap.append(bytearray(1 << 22)); time.sleep(0.01)"
    job = bench.trained(bench.train(code, TrainingJobName=name))
    assert job["TrainingJobStatus"] == "Failed"
    assert "instance type with more memory" in job["FailureReason"] and "137" in job["FailureReason"]


def test_a_full_disk_is_an_error_of_the_job(bench: Any) -> None:
    bench.rehearsal.limit(disk_mb={"full-*": 1})
    name = bench.name("full")
    job = bench.trained(bench.train("open('/opt/ml/model/m', 'wb').write(b'x' * (2 << 20))", TrainingJobName=name))
    assert job["FailureReason"] == "AlgorithmError: , exit code: 1"
    assert any("No space left on device" in line for line in bench.lines(name))


def test_a_job_that_takes_too_long_is_stopped_and_keeps_its_model(bench: Any) -> None:
    code = "import time\nopen('/opt/ml/model/m', 'w').write('half')\ntime.sleep(60)"
    name = bench.train(code, StoppingCondition={"MaxRuntimeInSeconds": 1})
    job = bench.trained(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert names(bench, f"out/{name}/output/model.tar.gz") == ["m"]


def test_lists_are_filtered_sorted_and_paged(bench: Any) -> None:
    start = bench.name("listed")
    names = [f"{start}-{letter}" for letter in "bca"]
    for name in names:
        bench.train("import sys\nsys.exit(1)" if name.endswith("c") else "", TrainingJobName=name)
        bench.trained(name)

    def listed(**asked: Any) -> list[str]:
        pages = bench.sagemaker.get_paginator("list_training_jobs").paginate(NameContains=start.upper(), **asked)
        return [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]

    assert listed() == names[::-1]
    assert listed(SortOrder="Ascending", PaginationConfig={"PageSize": 2}) == names
    assert listed(SortBy="Name", SortOrder="Ascending") == sorted(names)
    assert listed(StatusEquals="Failed") == [names[1]]
    first = bench.described(names[0])["CreationTime"]
    assert listed(CreationTimeBefore=first + timedelta(milliseconds=1)) == [names[0]]
    assert listed(CreationTimeAfter=first + timedelta(milliseconds=1)) == names[:0:-1]


def test_a_very_long_line_is_cut_in_the_log(bench: Any) -> None:
    name = bench.train("print('x' * 10_000 + 'y')\nprint('after')")
    bench.trained(name)
    assert bench.lines(name) == ["x" * 10_000, "after"]
