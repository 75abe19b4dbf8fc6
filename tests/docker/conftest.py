"""The code of docker/ is found as docker/image.py finds it: the folder itself is on the path, after all else."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "docker"))
