"""The project's own image without a container engine: the rooms that its Dockerfile copies, and its environment."""

import compileall
import shutil
from pathlib import Path

from rehearsal.settings import SDK_SETTINGS, Image

# As docker/base.Dockerfile and .dockerignore have them.
ROOMS = ("docker/startup", "experiments", "finetune", "materializers", "operators", "pipelines", "steps")
PLACES, SDK_PLACE = ("/app", "/opt/ml/code"), "/etc/xdg/sagemaker"
# As its programs `train` and `serve` do.
TRAIN = ["python", "-m", "operators.entrypoint"]
SERVE = ["python", "-m", "finetune.serving.start"]
ENVIRONMENT = {
    "PYTHONPATH": "/app:/app/docker/startup",
    "PYTHONUNBUFFERED": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "ZENML_CONFIG_PATH": "/app/.zenconfig",
    "ZENML_ENABLE_REPO_INIT_WARNINGS": "false",
    "ZENML_ANALYTICS_OPT_IN": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
    "OPT_OUT_TRACKING": "true",
}


def project_image(project: Path, folder: Path) -> Image:
    """Copies the project's rooms into a new folder, compiles them, and gives the image that they make."""
    _fill(project, folder)
    sdk = folder.with_name(f"{folder.name}-sdk")
    sdk.mkdir()
    (sdk / "config.yaml").write_text(SDK_SETTINGS)
    files = dict.fromkeys(PLACES, str(folder)) | {SDK_PLACE: str(sdk)}
    return Image(files=files, environment=ENVIRONMENT, train=TRAIN, serve=SERVE, folder=PLACES[0])


def refresh_image(project: Path, folder: Path) -> None:
    """Puts the project as it is now into the folder of an image that `project_image` made."""
    new, old = folder.with_name(f"{folder.name}-new"), folder.with_name(f"{folder.name}-old")
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    _fill(project, new)
    folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old)


def _fill(project: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for room in ROOMS:
        if (project / room).is_dir():
            shutil.copytree(project / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"))
    # The job's traceback names the file as the job sees it.
    compileall.compile_dir(folder, quiet=2, stripdir=str(folder), prependdir=PLACES[0])
