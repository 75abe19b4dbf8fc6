"""Runs run.py as a user does: in a process of its own, on a tiny experiment with a production of its own."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).with_name("project")
LABELS = ("apple", "pear", "plum")
IDS_PER_LABEL = 12
UNCHECKED = {check: {"severity": "ignore"} for check in ("labels", "drift", "texts", "near_duplicates", "leakage")}
"""A config's `checks:` for runs that are about something else: one container less."""


@dataclass(frozen=True)
class Ended:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


class Warm:
    """The process of warm.py: runs that start from it skip the seconds that importing the packages takes."""

    def __init__(self, environment: dict[str, str]) -> None:
        script = str(Path(__file__).with_name("warm.py"))
        self._process = subprocess.Popen(
            [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._answer()

    def run(self, arguments: list[str], cwd: Path, environment: dict[str, str]) -> Ended:
        out, err = cwd.parent / "out.txt", cwd.parent / "err.txt"
        asked = {"arguments": arguments, "cwd": str(cwd), "environment": environment, "out": str(out), "err": str(err)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code = int(self._answer())
        return Ended(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def _answer(self) -> str:
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self._process.args} ended with {self._process.wait()}")
        return line


@dataclass
class Workbench:
    """A folder with a project (experiments/), a production, a config and a root for outputs."""

    folder: Path
    zenml: Path
    """ZENML_CONFIG_PATH."""
    experiment: str
    warm: Warm | None = None
    config: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, zenml: Path, experiment: str, warm: Warm | None = None) -> "Workbench":
        """Writes project, production and config."""
        bench = cls(folder, zenml, experiment, warm)
        shutil.copytree(PROJECT, bench.project, ignore=shutil.ignore_patterns("__pycache__"))
        make_production(bench.production)
        bench.config = {
            "experiment": experiment,
            "functions": "tiny",
            "root": str(folder / "outputs"),
            "production": {
                "labels": {
                    "url": f"sqlite:///{bench.production}/labels.db",
                    "query": "SELECT guid, label FROM rules",
                },
                "files": str(bench.production / "files"),
                "files_from_production": ["text.json"],
            },
            "reconcile": {"files_at_home": ["text.json", "label.json"]},
            "prepare": {"split": {"validation": 0.2, "test": 0.2}, "processes": 1},
            "model": {"width": 8},
            "train": {"epochs": 3, "batch_size": 8, "learning_rate": 0.2, "precision": "fp32", "log_every": 1},
            "evaluate": {"baseline_text": "text.json"},
        }
        bench.write_config()
        return bench

    @property
    def project(self) -> Path:
        """A folder for PYTHONPATH."""
        return self.folder / "project"

    @property
    def functions(self) -> Path:
        return self.project / "experiments" / "tiny" / "functions.py"

    @property
    def production(self) -> Path:
        return self.folder / "production"

    @property
    def home(self) -> Path:
        return self.folder / "outputs" / self.experiment

    @property
    def config_file(self) -> Path:
        return self.folder / "config.yaml"

    def write_config(self) -> None:
        self.config_file.write_text(yaml.safe_dump(self.config, sort_keys=False), encoding="utf-8")

    def command(self, *options: str) -> list[str]:
        return [sys.executable, str(REPOSITORY / "run.py"), *self.arguments(*options)]

    def arguments(self, *options: str) -> list[str]:
        """What run.py is called with: this bench's config, or a command of its own."""
        return list(options) if options[:1] == ("resume",) else ["--config", str(self.config_file), *options]

    @property
    def resume(self) -> list[str]:
        """The arguments that go on with run 1, as run.py says them."""
        return ["resume", self.experiment, "1", "--root", str(self.home.parent)]

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a user who has set nothing of ours but the two folders."""
        return {**clean_environment(self.zenml), "PYTHONPATH": str(self.project), **more}

    def run(self, *options: str, **environment: str) -> Ended:
        """Runs run.py to its end, in a working directory that stays empty."""
        ran = subprocess.run(
            self.command(*options),
            cwd=self.working_directory(),
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(ran.returncode, ran.stdout, ran.stderr)

    def warm_run(self, *options: str) -> Ended:
        """As `run`, from a process that has imported the packages already."""
        return self.warm.run(self.arguments(*options), self.working_directory(), {"PYTHONPATH": str(self.project)})

    def start(self, *options: str, **environment: str) -> "subprocess.Popen[str]":
        """Starts run.py as the leader of a process group of its own, as a shell does."""
        return subprocess.Popen(
            self.command(*options),
            cwd=self.working_directory(),
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def python(self, code: str, **environment: str) -> Ended:
        """Runs a piece of Python in the repository with this bench's environment."""
        ran = subprocess.run(
            [sys.executable, "-c", code],
            cwd=REPOSITORY,
            env=self.environment(ZENML_ANALYTICS_OPT_IN="false", ZENML_LOGGING_VERBOSITY="ERROR", **environment),
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(ran.returncode, ran.stdout, ran.stderr)

    def working_directory(self) -> Path:
        place = self.folder / "here"
        place.mkdir(exist_ok=True)
        return place

    def record(self, number: int) -> dict[str, Any]:
        """run.json of a run."""
        found: dict[str, Any] = json.loads((self.home / "runs" / str(number) / "run.json").read_text(encoding="utf-8"))
        return found

    def run_numbers(self) -> list[int]:
        return sorted(int(path.name) for path in (self.home / "runs").glob("*"))

    def replace(self, old: str, new: str, file: str = "functions.py") -> None:
        """Changes one place of a file of the experiment."""
        path = self.functions.with_name(file)
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{path} must hold {old!r} once")
        path.write_text(text.replace(old, new), encoding="utf-8")

    def database(self, statement: str) -> None:
        """Changes the production database, as its owner does."""
        with sqlite3.connect(self.production / "labels.db") as connection:
            connection.execute(statement)
        connection.close()


def clean_environment(zenml: Path) -> dict[str, str]:
    """The environment without what others have set for ZenML and Hugging Face."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ZENML_", "HF_"))}
    return {**kept, "ZENML_CONFIG_PATH": str(zenml), "OMP_NUM_THREADS": "1"}


def make_production(folder: Path) -> None:
    """12 ids of each of 3 labels: a label's texts hold its word, and two words that say nothing."""
    rows = []
    for index in range(IDS_PER_LABEL * len(LABELS)):
        guid, label = f"id{index:02d}", LABELS[index % len(LABELS)]
        text = json.dumps({"text": f"{label} word{index % 5} number{index}"})
        file = folder / "files" / guid / "text.json"
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
        rows.append((guid, label))
    with sqlite3.connect(folder / "labels.db") as connection:
        connection.execute("CREATE TABLE rules (guid TEXT, label TEXT)")
        connection.executemany("INSERT INTO rules VALUES (?, ?)", rows)
    connection.close()
