"""The list of feature groups."""

import os
import subprocess
import sys
from pathlib import Path

from finetune.feature_store.embedded import EmbeddedStore
from finetune.feature_store.group import Group, Kind
from finetune.feature_store.store import ingest

REPOSITORY = Path(__file__).resolve().parents[2]


def test_groups_are_listed_with_their_counts_and_freshness(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "feature_store")
    group = Group("signals", "id", "at", {"mean": Kind.FRACTIONAL})
    ingest(store, group, [{"id": each, "at": f"2026-01-0{each}", "mean": 1.0} for each in range(1, 4)])
    ingest(store, group, [{"id": 1, "at": "2026-01-09", "mean": 2.0}])
    ran = subprocess.run(
        [sys.executable, str(REPOSITORY / "run.py"), "features", "--root", str(tmp_path)],
        cwd=REPOSITORY,
        env={**os.environ, "ZENML_CONFIG_PATH": str(tmp_path / "zen")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0 and ran.stderr == "", ran.stderr
    assert "1 feature group\n" in ran.stdout
    row = [cell.strip() for cell in next(line for line in ran.stdout.splitlines() if "signals" in line).split("│")]
    assert row[1:7] == ["signals", "id", "1", "3", "4", "2026-01-09T00:00:00.000Z"]
