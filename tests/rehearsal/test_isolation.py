import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from rehearsal import Image, Rehearsal, Settings
from rehearsal.fixture import skip_where_refused

LOOK = """
import json, os
def listed(folder):
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else None
print(json.dumps({name: listed(name) for name in json.loads(os.environ["FOLDERS"])}))
"""


def seen(bench: Any, *folders: Path) -> list[list[str] | None]:
    name = bench.train(LOOK, Environment={"FOLDERS": json.dumps([str(each) for each in folders])})
    assert bench.trained(name)["TrainingJobStatus"] == "Completed"
    return list(json.loads(bench.lines(name)[0]).values())


def test_a_job_sees_neither_the_checkout_nor_the_rehearsal(bench: Any) -> None:
    folders = Path.cwd(), bench.rehearsal.folder
    assert all(any(each.iterdir()) for each in folders)
    assert not any(seen(bench, *folders))


STARTED_ELSEWHERE = """
import json, sys
from pathlib import Path
from rehearsal import Image, Rehearsal, Settings
from conftest import Bench
with Rehearsal(Path("outputs", "rehearsal"), Settings(images={"*": Image()}, zenml=False)) as up:
    bench = Bench(up)
    name = bench.train("import os\\nfor _, _, files in os.walk(%r): print(*files, sep='\\\\n')" % sys.argv[1])
    bench.trained(name)
    print(json.dumps([line for line in bench.lines(name) if line.strip()]))
"""


def test_a_job_sees_nothing_of_the_callers_working_folder_home_and_zenml_and_yet_what_lies_beside_them() -> None:
    skip_where_refused()
    # Not in /tmp, of which a job has its own.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        markers = {place: folder / place / f"of-{place}" for place in ("here", "zenml", "home", "beside")}
        markers["experiment"] = folder / "here" / "outputs" / "EXP-1-any" / "of-the-experiment"
        for marker in markers.values():
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.write_text("x")
        places = {"HOME": str(folder / "home"), "ZENML_CONFIG_PATH": str(folder / "zenml")}
        ran = subprocess.run(
            [sys.executable, "-c", STARTED_ELSEWHERE, name],
            cwd=folder / "here",
            env=os.environ | places | {"PYTHONPATH": f"{Path.cwd()}:{Path(__file__).parent}"},
            capture_output=True,
            text=True,
        )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == ["of-beside"]


def test_what_a_job_writes_outside_opt_ml_is_gone(bench: Any) -> None:
    marker = bench.name("left")
    code = f"for f in ('/tmp', '/root', '/dev/shm', '/'): open(f + '/{marker}', 'w').write('x')"
    assert bench.trained(bench.train(code))["TrainingJobStatus"] == "Completed"
    for folder in ("/tmp", "/root", "/dev/shm", "/"):
        assert not os.path.exists(f"{folder}/{marker}")


def test_a_job_cannot_change_this_machine(bench: Any) -> None:
    name = bench.train("open('/usr/rehearsed', 'w')")
    bench.trained(name)
    assert any("Read-only file system" in line for line in bench.lines(name))


def test_a_job_has_the_credentials_of_its_role(bench: Any) -> None:
    name = bench.train("import boto3\nprint(boto3.client('sts', region_name='us-east-1').get_caller_identity()['Arn'])")
    bench.trained(name)
    assert bench.lines(name) == ["arn:aws:sts::123456789012:assumed-role/rehearsal-execution/SageMaker"]


def test_an_image_brings_its_files_and_entrypoint_and_what_is_hidden_is_empty(bench: Any, tmp_path: Path) -> None:
    skip_where_refused()
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text(
        "import os\nprint(sorted(os.listdir('/app')), os.environ['FROM_IMAGE'], os.listdir('/usr/share'))"
    )
    image = Image(
        files={"/opt/ml/code": str(code), "/app": str(code)},
        train=["python", "/opt/ml/code/train.py"],
        environment={"FROM_IMAGE": "yes"},
    )
    known = "123456789012.dkr.ecr.us-east-1.amazonaws.com/ours:1"
    with Rehearsal(tmp_path / "rehearsal", Settings(images={known: image}, hidden=["/usr/share"], zenml=False)) as up:
        other = type(bench)(up)
        name = other.train("", AlgorithmSpecification={"TrainingImage": known, "ContainerEntrypoint": ["python"]})
        assert other.trained(name)["TrainingJobStatus"] == "Completed"
        request = other.training("")
        request["AlgorithmSpecification"] = {"TrainingImage": known, "TrainingInputMode": "File"}
        up.client("sagemaker").create_training_job(**request)
        assert other.trained(request["TrainingJobName"])["TrainingJobStatus"] == "Completed"
        assert other.lines(request["TrainingJobName"]) == ["['train.py'] yes []"]
        with pytest.raises(Exception, match="Cannot find the requested image: any"):
            other.train("")
        failed = other.processed(other.process(""))
        assert failed["FailureReason"].startswith("ClientError: API error (404): manifest for any not found")
