"""A temporary place for a benchmark: an experiment root and a new ZenML database, away from the user's own."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.config.experiment import ExperimentConfig
from finetune.config.load import load_config

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Ran:
    """One finished run of run.py."""

    seconds: float
    """From start to end of the process."""
    record: dict[str, Any]
    """The run's run.json."""

    @property
    def work(self) -> float:
        """Seconds inside the steps' work."""
        return sum(self.record["seconds"].values())


@dataclass(frozen=True)
class Workspace:
    """A root of experiment homes and a ZenML configuration of its own."""

    folder: Path

    @property
    def root(self) -> Path:
        """Where the experiment homes lie."""
        return self.folder / "outputs"

    def run(self, config: str, *options: str) -> Ran:
        """Runs run.py with a config of configs/; production stays where the config says.

        Raises:
            RuntimeError: The run ended with another exit code than 0.
        """
        path = ROOT / "configs" / f"{config}.yaml"
        started = time.perf_counter()
        done = self.call("--config", str(path), "--set", f"root={self.root}", *options)
        seconds = time.perf_counter() - started
        if done.returncode != 0:
            raise RuntimeError(f"run.py ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        runs = self.root / load_config(path).experiment / "runs"
        newest = max(runs.iterdir(), key=lambda folder: int(folder.name))
        return Ran(seconds, json.loads((newest / "run.json").read_text(encoding="utf-8")))

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs run.py with these arguments, in the project's folder."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ZENML_")}
        return subprocess.run(
            [sys.executable, "run.py", *arguments],
            cwd=ROOT,
            env={**clean, "ZENML_CONFIG_PATH": str(self.folder / "zenml")},
            capture_output=True,
            text=True,
            check=False,
        )


@contextmanager
def workspace() -> Iterator[Workspace]:
    """Gives an empty workspace and removes it afterwards."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        yield Workspace(Path(folder))


def shipped_config(name: str, *overrides: str) -> ExperimentConfig:
    """A config of configs/ by the name of its file, after its sample production source is built."""
    from cli.sample import bring_sample

    os.chdir(ROOT)  # the config's paths are relative to the project's folder
    config = load_config(ROOT / "configs" / f"{name}.yaml", overrides)
    bring_sample(config, config)
    return config


def note(text: str) -> None:
    """Prints a line of progress to stderr; stdout is for the JSON line."""
    print(text, file=sys.stderr, flush=True)
