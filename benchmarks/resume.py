"""Measures what a resumed run costs and proves that it loses nothing: 20 times kill -9 inside the steps' work.

EXP-3333 on fewer ids is run twice: undisturbed, and killed at random moments of reconcile, prepare, train and evaluate
and taken up again by `run.py resume`. Metrics and predictions must be equal, no file may be copied twice, and no more
training steps may be repeated than lie between two checkpoints. The cost of a resume is the time from the start of
run.py to the first training step that it does. Beside it, how long training stands still for a checkpoint.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from statistics import median
from typing import Any

import pyarrow.parquet as pq
from transformers import TrainerCallback

from benchmarks.figure import all_of, json_line, under
from benchmarks.prepared import steps_of
from benchmarks.workspace import ROOT, Workspace, note, shipped_config, workspace
from finetune.evaluation.scores import default_metrics
from finetune.training.spec import TrainingSpec
from finetune.training.train import train_here

KILLS, SAVE_EVERY = 20, 5
WORK = ("reconcile", "prepare", "train", "evaluate")
SHARES = (3, 3, 11, 3)
"""Kills in each step."""
SETTINGS = {
    "functions": "noted",
    "prepare.max_per_label": 60,
    "prepare.dataset_name": "small",
    "prepare.processes": 1,
    "reconcile.workers": 1,
    "train.epochs": 3,
    "train.save_every": SAVE_EVERY,
    "evaluate.batch_size": 2,
}


class Stopwatch(TrainerCallback):
    """Measures how long each checkpoint keeps training waiting."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._since = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """The last thing before a checkpoint."""
        self._since = time.perf_counter()

    def on_save(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """The first thing after it."""
        self.seconds.append(time.perf_counter() - self._since)


def checkpoints() -> tuple[list[float], float]:
    """Seconds that training waits for each checkpoint of EXP-3333's model with its optimiser, and megabytes of one."""
    config = shipped_config("EXP-3333", "prepare.max_per_label=30", "train.epochs=2", "train.save_every=1")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder, watch = Path(name), Stopwatch()
        steps = steps_of(config, folder)
        prepared, preparation = steps.prepare(steps.choose(steps.reconcile(steps.snapshot())))
        train_here(
            prepared,
            TrainingSpec(
                labels=preparation.labels,
                functions=config.functions,
                get_model=steps.functions.get_model,
                compute_metrics=default_metrics,
                model=steps.model,
                settings=config.train,
                checkpoints=folder / "checkpoints",
                target=folder / "model",
            ),
            callbacks=[watch],
        )
        newest = max((folder / "checkpoints").iterdir(), key=lambda found: int(found.name.rpartition("-")[2]))
        size = sum(file.stat().st_size for file in newest.rglob("*") if file.is_file()) / 1e6
    return watch.seconds, size


class Bench:
    """One experiment of its own whose functions note their calls."""

    def __init__(self, place: Workspace, name: str) -> None:
        self.place, self.experiment, self.notes = place, f"EXP-3333-{name}", place.folder / f"{name}.notes"
        self.notes.touch()

    @property
    def home(self) -> Path:
        """The experiment home."""
        return self.place.root / self.experiment

    def first(self) -> list[str]:
        """The arguments of the first start."""
        settings = {**SETTINGS, "experiment": self.experiment, "root": str(self.place.root)}
        options = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        return ["--config", str(ROOT / "configs" / "EXP-3333.yaml"), *options]

    def resume(self) -> list[str]:
        """The arguments that go on."""
        return ["resume", self.experiment, "1", "--root", str(self.place.root)]

    def start(self, arguments: list[str]) -> "subprocess.Popen[str]":
        """Starts run.py."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ZENML_")}
        own = {
            "ZENML_CONFIG_PATH": str(self.place.folder / "zenml"),
            "PYTHONPATH": str(ROOT / "benchmarks" / "project"),
            "NOTES": str(self.notes),
        }
        return subprocess.Popen(
            [sys.executable, "run.py", *arguments],
            cwd=ROOT,
            env={**clean, **own},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, arguments: list[str]) -> None:
        """Runs it to its end.

        Raises:
            RuntimeError: It ended badly.
        """
        process = self.start(arguments)
        said = process.communicate()[1]
        if process.returncode != 0:
            raise RuntimeError(f"run.py ended with {process.returncode}:\n{said[-4000:]}")

    def noted(self) -> Counter[str]:
        """Calls so far."""
        return Counter(self.notes.read_text(encoding="utf-8").split())

    def kill_in(self, step: str, into: int, arguments: list[str]) -> float:
        """Starts run.py and kills it at a call in a step's work; gives the seconds until the step's first call.

        Raises:
            RuntimeError: It ended before.
        """
        before, started, first = self.noted()[step], time.perf_counter(), 0.0
        process = self.start(arguments)
        while (done := self.noted()[step] - before) < into:
            if done and not first:
                first = time.perf_counter() - started
            if process.poll() is not None:
                raise RuntimeError(f"run.py ended with {process.returncode}: {process.communicate()[1][-4000:]}")
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return first or time.perf_counter() - started

    def outcome(self) -> dict[str, Any]:
        """Metrics, baselines and predictions."""
        record = json.loads((self.home / "runs" / "1" / "run.json").read_text(encoding="utf-8"))
        table = pq.read_table(next(Path(record["artifacts"]["predictions"]).rglob("*.parquet"))).to_pydict()
        return {"metrics": record["metrics"], "baselines": record["baselines"], "predictions": table}

    def copies(self) -> dict[str, tuple[int, int]]:
        """The files of production at home, with what tells one copy of them from another."""
        found = self.home.rglob("raw_text.json")
        return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def main() -> None:
    waits, size = checkpoints()
    note(f"a checkpoint of {size:.0f} MB keeps training waiting for {median(waits):.2f} s")
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    with workspace() as place:
        calm = Bench(place, "calm")
        calm.finish(calm.first())
        whole = calm.noted()
        note(f"undisturbed: {dict(whole)}")
        disturbed = Bench(place, "disturbed")
        arguments, kept, twice, starts = disturbed.first(), {}, 0, []
        for step in [step for step, count in zip(WORK, SHARES, strict=True) for _ in range(count)]:
            done = disturbed.noted()[step] if step in ("reconcile", "train") else 0  # the others begin anew
            left = max(1, whole[step] - done - 1)
            # Of what is left each kill takes a small part, so that the last of them finds work, too.
            into = draw.randint(1, max(1, left // 3 if step in ("reconcile", "train") else left))
            first = disturbed.kill_in(step, into, arguments)
            note(
                f"seed {seed}: kill -9 in {step}, at call {into} of {whole[step] - done}, {first:.1f} s after the start"
            )
            if step == "train":
                starts.append(first)
            now = disturbed.copies()
            twice += sum(now.get(path) != stamp for path, stamp in kept.items())
            arguments, kept = disturbed.resume(), now
        disturbed.finish(arguments)
        repeated = disturbed.noted()["train"] - whole["train"]
        same = disturbed.outcome() == calm.outcome()
    allowed = SHARES[WORK.index("train")] * SAVE_EVERY
    print(
        json_line(
            "resume",
            all_of(int(same), 1, "results equal to an undisturbed run's"),
            {
                "copied_twice": under(twice, 1, "files"),
                "steps_repeated": under(repeated, allowed + 1, "training steps"),
                "resume_cost": under(median(starts[1:]), 10, "s"),
                "checkpoint": under(median(waits), 1, "s"),
            },
            kills=KILLS,
            seed=seed,
            first_start_that_trains=round(starts[0], 1),
            resumes_to_first_training_step=[round(each, 1) for each in starts[1:]],
            checkpoint_seconds=[round(each, 3) for each in sorted(waits)],
            checkpoint_megabytes=round(size, 1),
        )
    )


if __name__ == "__main__":
    main()
