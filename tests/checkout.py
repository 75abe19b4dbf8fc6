"""The part of this repository that a rehearsed container's image holds beside a test's own project."""

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
STARTUP = Path("docker/startup/sitecustomize.py")

WITHOUT_LIBRARIES_OF_MODELS = """
import sys
from types import ModuleType

for name in ("lightgbm", "pytorch"):
    sys.modules[f"zenml.integrations.{name}"] = ModuleType(name)
"""
"""ZenML loads torch, lightgbm and scikit-learn before each step, for outputs of their types, which no step here has."""


def put_rooms(project: Path, *rooms: str) -> None:
    """Copies folders of the repository into a project, and what each Python process of an image does first."""
    for room in rooms:
        shutil.copytree(REPOSITORY / room, project / room, ignore=shutil.ignore_patterns("__pycache__"))
    startup = project / STARTUP
    startup.parent.mkdir(parents=True)
    startup.write_text((REPOSITORY / STARTUP).read_text(encoding="utf-8") + WITHOUT_LIBRARIES_OF_MODELS)
