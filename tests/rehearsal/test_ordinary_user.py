"""A whole rehearsal as a user without any rights; the other tests may run as root."""

import json
import os
import subprocess
import sysconfig
import tempfile
from pathlib import Path

import pytest

from rehearsal.fixture import skip_where_refused
from rehearsal.needed import NEEDED
from tests.rehearsal.executor.test_container import NOBODY, python_of
from tests.rehearsal.test_session import gone

CODE = """
import json, os, sys
from pathlib import Path
from rehearsal import Image, Rehearsal, Settings
from conftest import Bench
job = "import os, socket\\nopen('/opt/ml/model/' + socket.gethostname(), 'w').write('m')\\nprint(socket.gethostname())"
with Rehearsal(Path(sys.argv[1]), Settings(images={"*": Image()}, zenml=False)) as up:
    bench = Bench(up)
    # Some systems have no `python`.
    trains = {"ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/job.py"]}
    works = {"ImageUri": "any", "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/job.py"]}
    name = bench.train(job, ResourceConfig={"InstanceCount": 2}, AlgorithmSpecification=trains)
    trained = bench.trained(name)
    lines = [bench.lines(name, host=host) for host in ("algo-1", "algo-2")]
    processed = bench.processed(bench.process("", AppSpecification=works))
    print(json.dumps([os.geteuid(), trained["TrainingJobStatus"], lines, processed["ProcessingJobStatus"]]))
"""


def as_nobody(command: list[str], folder: str) -> "subprocess.CompletedProcess[str]":
    """Runs it in the folder with this project, and with this interpreter's packages: theirs may be another."""
    places = [os.getcwd(), str(Path(__file__).parent), sysconfig.get_path("purelib")]
    return subprocess.run(
        command,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ":".join(places),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": folder,
        },
        capture_output=True,
        text=True,
    )


def test_a_rehearsal_runs_jobs_and_ends_without_a_trace() -> None:
    skip_where_refused()
    if os.geteuid() != 0:
        pytest.skip("all other tests have shown it: they ran as an ordinary user")
    python = python_of(NOBODY)
    if python is None or as_nobody([python, "-c", f"import {', '.join(NEEDED)}"], "/").returncode != 0:
        pytest.skip("no interpreter that the user nobody may start, and that has the packages")
    # Not in tmp_path, which only its owner may enter.
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, NOBODY, NOBODY)
        folder = Path(name, "rehearsal")
        ran = as_nobody([python, "-c", CODE, str(folder)], name)
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout) == [NOBODY, "Completed", [["algo-1"], ["algo-2"]], "Completed"]
        assert not folder.exists()
        gone(folder)
