import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from finetune.errors import ComputeError
from operators import jobs
from tests.operators.conftest import Bench


def until(there: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not there():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_a_step_runs_with_its_whole_environment_and_its_lines_are_told(bench: Bench) -> None:
    long = "ü" * 2000
    code = "import os; print('length', len(os.environ['TOKEN']), os.environ['TOKEN'] == 'ü' * 2000)"
    job = bench.code(code, variables={"TOKEN": long})
    assert job["TrainingJobStatus"] == "Completed"
    assert "length 2000 True" in bench.said
    assert any(line.endswith(": Training") for line in bench.said)
    assert any(line.endswith(": Completed") for line in bench.said)


def failed(bench: Bench, code: str, **machines: Any) -> str:
    with pytest.raises(ComputeError) as caught:
        bench.code(code, **machines)
    return str(caught.value)


def test_a_job_that_cannot_start_says_what_was_missing(bench: Bench) -> None:
    with pytest.raises(ComputeError, match="failed: AlgorithmError: .*No such file or directory: 'nothing-there'"):
        bench.run(["nothing-there"])


def test_a_job_that_fails_in_the_middle_shows_its_last_lines(bench: Bench) -> None:
    message = failed(bench, "for n in range(50): print('line', n)\nraise ValueError('odd value')")
    assert "failed: AlgorithmError: the process ended with exit code 1, exit code: 1" in message
    assert "ValueError: odd value" in message
    assert "line 49" in message and "line 5\n" not in message


def test_a_step_that_is_killed_says_so(bench: Bench) -> None:
    message = failed(bench, "import os; print('on my way', flush=True); os.kill(os.getpid(), 9)")
    assert "the process was ended by signal 9; its memory may have run out, exit code: 137" in message
    assert "on my way" in message


def test_a_job_without_memory_is_told_apart(bench: Bench) -> None:
    bench.rehearsal.limit(memory_mb={"hungry-*": 150})
    message = failed(
        bench,
        "import time; a = bytearray(400 << 20)\nfor n in range(0, 400 << 20, 4096): a[n] = 1\ntime.sleep(20)",
        start="hungry",
    )
    assert "Please use an instance type with more memory" in message


def test_a_full_disk_shows_in_the_error(bench: Bench) -> None:
    bench.rehearsal.limit(disk_mb={"full-*": 5})
    message = failed(bench, "open('/opt/ml/model/weights', 'wb').write(bytes(9 << 20))", start="full")
    assert "No space left on device" in message


def test_a_job_that_takes_too_long_names_the_key_to_raise(bench: Bench) -> None:
    message = failed(bench, "import time; time.sleep(60)", max_run_hours=1 / 3600)
    assert "was stopped: it ran longer than" in message and "raise max_run_hours" in message


def test_no_spot_capacity_in_time_names_the_key_to_raise(bench: Bench) -> None:
    hours = 2 / 3600
    message = failed(bench, "import time; time.sleep(60)", spot=True, max_run_hours=hours, max_wait_hours=hours)
    assert "no spot capacity" in message and "raise max_wait_hours" in message


def test_a_spot_job_goes_on_from_its_checkpoint_after_an_interruption(bench: Bench) -> None:
    code = (
        "import os, time\n"
        "file = '/opt/ml/checkpoints/step'\n"
        "if os.path.exists(file): print('going on from', open(file).read())\n"
        "else:\n"
        "    open(file, 'w').write('7'); print('saved', flush=True); time.sleep(60)\n"
    )
    name = bench.submit(["python", "-c", code], spot=True, max_run_hours=1, max_wait_hours=2)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(bench.wait, name)
        until(lambda: "saved" in bench.said)
        bench.rehearsal.interrupt(name)
        job = ended.result(timeout=60)
    assert job["TrainingJobStatus"] == "Completed"
    assert "going on from 7" in bench.said
    assert any(line.endswith(": Interrupted") for line in bench.said)
    assert job["CheckpointConfig"]["S3Uri"] == f"{bench.output}/{name}/checkpoints"


def test_a_quota_of_zero_says_where_to_ask(bench: Bench) -> None:
    bench.rehearsal.limit(quotas={"ml.g5.xlarge for training job usage": 0})
    message = failed(bench, "", instance_type="ml.g5.xlarge")
    assert "submitting training job" in message and "(1 x ml.g5.xlarge): ResourceLimitExceeded" in message
    assert "ask for a higher quota" in message


def test_a_warm_pool_without_a_quota_is_refused_by_aws(bench: Bench) -> None:
    assert "ResourceLimitExceeded" in failed(bench, "", warm_pool_minutes=10)


def test_an_unknown_image_is_refused_by_aws(bench: Bench) -> None:
    assert "Cannot find the requested image: nowhere" in failed(bench, "", image="nowhere:1")


def test_a_job_that_is_stopped_while_it_starts_ends_stopped(bench: Bench) -> None:
    name = bench.submit(["python", "-c", "import time; time.sleep(60)"])
    jobs.stop(bench.sagemaker, name)
    with pytest.raises(ComputeError, match="was stopped: somebody asked it to stop"):
        bench.wait(name)
    jobs.stop(bench.sagemaker, name)  # a second time changes nothing
    assert jobs.status(bench.sagemaker, name) == "Stopped"


def test_two_instances_stop_within_their_grace(bench: Bench) -> None:
    name = bench.submit(["python", "-c", "print('up', flush=True); import time; time.sleep(60)"], instance_count=2)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(bench.wait, name)
        until(lambda: "up" in bench.said)
        jobs.stop(bench.sagemaker, name)
        with pytest.raises(ComputeError, match="was stopped"):
            ended.result(timeout=30)


def test_waiting_that_is_broken_off_stops_the_job(bench: Bench) -> None:
    name = bench.submit(["python", "-c", "import time; time.sleep(60)"])

    def interrupted(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.wait(bench.client, name, interrupted)
    assert jobs.status(bench.sagemaker, name) in ("Stopping", "Stopped")


def test_submitting_the_same_job_twice_makes_one(bench: Bench) -> None:
    request = bench.request(["python", "-c", ""])
    assert jobs.submit(bench.sagemaker, request) == jobs.submit(bench.sagemaker, request)
    bench.wait(request["TrainingJobName"])


def test_losses_reach_cloudwatch(bench: Bench) -> None:
    job = bench.train(settings={"epochs": 1})
    found = {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]}
    assert {"loss", "validation_loss", "validation_macro_f1"} <= found.keys()
    assert 0 < found["validation_loss"] < 2
    for name in ("loss", "validation_loss"):
        points = bench.client("cloudwatch").get_metric_statistics(
            Namespace="/aws/sagemaker/TrainingJobs",
            MetricName=name,
            Dimensions=[{"Name": "TrainingJobName", "Value": job["TrainingJobName"]}],
            StartTime=job["TrainingStartTime"] - timedelta(minutes=1),
            EndTime=job["TrainingEndTime"] + timedelta(minutes=1),
            Period=3600,
            Statistics=["Maximum", "SampleCount"],
        )["Datapoints"]
        assert points and all(0 < point["Maximum"] < 5 for point in points), name
