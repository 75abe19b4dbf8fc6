import time
from typing import Any

import psutil

GENTLE = """
import signal, sys, time
def end(*_):
    open("/opt/ml/checkpoints/last", "w").write("saved")
    print("ending", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready')\ntime.sleep(60)"
SPOT = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if os.path.exists("/opt/ml/checkpoints/step"):
    print("resumed at", open("/opt/ml/checkpoints/step").read())
    sys.exit(0)
open("/opt/ml/checkpoints/step", "w").write("7")
print("ready", flush=True)
time.sleep(60)
"""


def checkpoints(bench: Any) -> dict[str, str]:
    return {"S3Uri": f"s3://{bench.bucket}/checkpoints/{bench.name('c')}", "LocalPath": "/opt/ml/checkpoints"}


def test_a_stopped_job_may_save_and_is_stopped(bench: Any) -> None:
    saved = checkpoints(bench)
    name = bench.train(GENTLE, CheckpointConfig=saved)
    bench.says(name, "ready")
    bench.sagemaker.stop_training_job(TrainingJobName=name)
    assert bench.described(name)["TrainingJobStatus"] in ("Stopping", "Stopped")
    job = bench.trained(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert "Stopping" in [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert "ending" in bench.lines(name)
    assert bench.read(saved["S3Uri"].split("/", 3)[3] + "/last") == b"saved"


def test_a_job_that_ignores_sigterm_is_killed_after_the_grace(bench: Any) -> None:
    name = bench.train(STUBBORN)
    bench.says(name, "ready")
    bench.sagemaker.stop_training_job(TrainingJobName=name)
    job = bench.trained(name)
    assert job["TrainingJobStatus"] == "Stopped"
    seconds = (job["TrainingEndTime"] - job["SecondaryStatusTransitions"][-3]["StartTime"]).total_seconds()
    assert seconds >= bench.rehearsal.settings.stop_grace_s


def test_a_stopped_processing_job_hears_sigterm(bench: Any) -> None:
    name = bench.process("import os\nos.makedirs('/opt/ml/checkpoints')" + GENTLE)
    bench.says(name, "ready", "Processing")
    bench.sagemaker.stop_processing_job(ProcessingJobName=name)
    assert bench.processed(name)["ProcessingJobStatus"] == "Stopped"
    assert bench.lines(name, "Processing") == ["ready", "ending"]


def test_a_processing_job_that_ignores_sigterm_is_killed_after_the_grace(bench: Any) -> None:
    name = bench.process(STUBBORN)
    bench.says(name, "ready", "Processing")
    asked = time.time()
    bench.sagemaker.stop_processing_job(ProcessingJobName=name)
    job = bench.processed(name)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert job["ProcessingEndTime"].timestamp() - asked >= bench.rehearsal.settings.stop_grace_s


def test_an_interrupted_spot_job_goes_on_from_its_checkpoint(bench: Any) -> None:
    stopping = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}
    name = bench.train(
        SPOT, CheckpointConfig=checkpoints(bench), EnableManagedSpotTraining=True, StoppingCondition=stopping
    )
    bench.says(name, "ready")
    bench.rehearsal.interrupt(name)
    job = bench.trained(name)
    assert job["TrainingJobStatus"] == "Completed", job
    assert "resumed at 7" in bench.lines(name)
    assert [each["Status"] for each in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Interrupted",
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]


def test_a_spot_job_waits_no_longer_than_it_may(bench: Any) -> None:
    stopping = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}
    name = bench.train("import time\ntime.sleep(60)", EnableManagedSpotTraining=True, StoppingCondition=stopping)
    job = bench.trained(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_what_a_job_leaves_running_ends_with_it(bench: Any) -> None:
    marker = bench.name("left")
    code = f"import subprocess\nsubprocess.Popen(['sleep', '6543', '{marker}'], start_new_session=True)"
    bench.trained(bench.train(code))
    assert not [each for each in psutil.process_iter(["cmdline"]) if marker in (each.info["cmdline"] or [])]
