from collections.abc import Callable
from pathlib import Path

import pytest

MINIMAL = """\
experiment: EXP-1-small
functions: small
production:
  labels: {file: labels.csv}
  files: raw
  files_from_production: [a.txt]
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Write a config, by default a minimal valid one plus more lines, and return its relative path."""
    monkeypatch.chdir(tmp_path)

    def write(more: str = "", name: str = "x.yaml", start: str = MINIMAL) -> str:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(start + more)
        return name

    return write
