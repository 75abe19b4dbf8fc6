"""Measures what a rehearsal costs beside the steps' work: EXP-3333, with train under the step operator.

A step's share is the time from the end of the step before to its own end, less the seconds that run.json gives for its
work: a container and its imports, ZenML's server, artifacts to and from S3. Under the operator two containers start.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from benchmarks.figure import json_line, under
from benchmarks.workspace import ROOT, note, shipped_config
from rehearsal import Rehearsal

REPEATS = 3
OPERATED = "train"
OPTIONS = ("--stack", "rehearsal", "--set", "compute.train.instance_type=ml.g5.xlarge")


@dataclass(frozen=True)
class Share:
    """Seconds of one step beside its work, by what happens in them, in order.

    starting_container: from the end of the last step that it waits for until its program starts.
    importing: until ZenML begins the step.
    ending: what ZenML does around the work, until the container has ended.

    Under the operator a second container does the work, and between importing and ending stand
    submitting: until the training job is created;
    starting_second: until the program of the second container starts;
    importing_second: until ZenML has completed the step there, less its work: inputs and outputs are in it;
    ending_second: until the training job has ended.
    """

    step: str
    parts: dict[str, float]

    @property
    def seconds(self) -> float:
        """All of it."""
        return sum(self.parts.values())


def main() -> None:
    experiment = shipped_config("EXP-3333").experiment
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        (folder / "outputs").mkdir()
        (folder / "outputs" / "production").symlink_to(ROOT / "outputs" / "production")
        times = [_up_and_down(folder / "trial") for _ in range(REPEATS)]
        with Rehearsal(folder / "outputs" / "rehearsal") as rehearsal:
            seconds = _run(folder, rehearsal)
            record = json.loads((folder / "outputs" / "from-rehearsal" / experiment / "1" / "run.json").read_text())
            shares = _shares(rehearsal, record["seconds"])
            cached = _run(folder, rehearsal)
    plain = [share for share in shares if share.step != OPERATED]
    operated = next(share for share in shares if share.step == OPERATED)
    print(
        json_line(
            "rehearsal",
            under(max(share.seconds for share in plain), 25, "s for the slowest step beside its work"),
            {
                "step_under_the_operator": under(operated.seconds, 45, "s"),
                "up": under(median(up for up, _ in times), 30, "s"),
                "down": under(median(down for _, down in times), 10, "s"),
            },
            steps={share.step: _parts(share) for share in shares},
            run=round(seconds, 1),
            work={name: round(seconds, 1) for name, seconds in record["seconds"].items()},
            all_cached_run=round(cached, 1),
            ups_and_downs=[[round(up, 1), round(down, 1)] for up, down in times],
        )
    )


def _up_and_down(folder: Path) -> tuple[float, float]:
    """Seconds until a new rehearsal serves, its stack registered, and until it is gone."""
    started = time.perf_counter()
    rehearsal = Rehearsal(folder)
    rehearsal.start()
    up = time.perf_counter() - started
    rehearsal.stop()
    down = time.perf_counter() - started - up
    note(f"rehearsal: up in {up:.1f} s, down in {down:.1f} s")
    return up, down


def _run(folder: Path, rehearsal: Rehearsal) -> float:
    """Seconds that run.py takes with the rehearsal that is up in the folder."""
    started = time.perf_counter()
    command = [sys.executable, str(ROOT / "run.py"), "--config", str(ROOT / "configs" / "EXP-3333.yaml"), *OPTIONS]
    done = subprocess.run(command, cwd=folder, env=os.environ | rehearsal.environment, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"run.py ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    note(f"run.py: {seconds:.1f} s")
    return seconds


def _shares(rehearsal: Rehearsal, work: dict[str, float]) -> list[Share]:
    """What the steps of the only run cost beside their work."""
    os.environ.update(rehearsal.environment)
    from zenml.client import Client

    client = rehearsal.client("sagemaker")
    (run,) = Client().list_pipeline_runs(hydrate=True).items
    arn = run.run_metadata["pipeline_execution_arn"]
    created: datetime = client.describe_pipeline_execution(PipelineExecutionArn=arn)["CreationTime"]
    jobs = client.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
    shares, ended = [], dict[str, datetime]()
    for executed in jobs["PipelineExecutionSteps"]:
        step = run.steps[executed["StepName"]]
        job = client.describe_processing_job(ProcessingJobName=_job_name(executed))
        started, begun = job["ProcessingStartTime"], _aware(step.start_time)
        waited = max((ended[name] for name in step.spec.upstream_steps), default=created)
        parts = {"starting_container": _between(waited, started), "importing": _between(started, begun)}
        end = ended[step.name] = job["ProcessingEndTime"]
        if step.name == OPERATED:
            training = client.describe_training_job(TrainingJobName=step.run_metadata["job_name"])
            parts |= _second(training, begun, _aware(step.end_time), work[step.name])
            parts["ending"] = _between(training["TrainingEndTime"], end)
        else:
            parts["ending"] = _between(begun, end) - work[step.name]
        shares.append(Share(step.name, parts))
    return shares


def _second(job: dict[str, Any], begun: datetime, completed: datetime, work: float) -> dict[str, float]:
    """The parts of a step's second container: from the begin of the step in the first one to the training job's end."""
    return {
        "submitting": _between(begun, job["CreationTime"]),
        "starting_second": _between(job["CreationTime"], job["TrainingStartTime"]),
        "importing_second": _between(job["TrainingStartTime"], completed) - work,
        "ending_second": _between(completed, job["TrainingEndTime"]),
    }


def _aware(moment: datetime | None) -> datetime:
    """ZenML tells UTC without saying so; a step of a run that is over has both ends."""
    if moment is None:
        raise RuntimeError("a step of the run has not ended")
    return moment.replace(tzinfo=UTC)


def _between(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


def _job_name(executed: dict[str, Any]) -> str:
    return str(executed["Metadata"]["ProcessingJob"]["Arn"]).rpartition("/")[2]


def _parts(share: Share) -> dict[str, float]:
    return {name: round(seconds, 1) for name, seconds in (share.parts | {"in_all": share.seconds}).items()}


if __name__ == "__main__":
    main()
