"""Measures how much sooner 8 trials end when 2 of them train at a time: MiniLM on EXP-3333's texts, a thread a trial.

One trial leaves a core idle. Both studies have the same trials (random search, nothing is pruned), each is carried out
in a process of its own, and its time includes starting the processes and importing torch.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context

from benchmarks.figure import all_of, json_line, under
from benchmarks.workspace import note, shipped_config
from cli.environment import quiet_defaults

GOAL = 0.65
TRIALS = 8
SMALL = (
    "prepare.max_per_label=180",
    "prepare.dataset_name=small",
    "model.max_length=64",
    "model.tail=20",
    "train.epochs=1",
    "train.precision=fp32",
)
STUDY = (
    "tune.space={train.learning_rate: {log_uniform: [2.0e-5, 5.0e-4]}}",
    "tune.sampler=random",
    "tune.pruner=none",
    f"tune.trials={TRIALS}",
)


def main() -> None:
    quiet_defaults()
    os.environ["OMP_NUM_THREADS"] = "1"
    from benchmarks.prepared import steps_of

    config = shipped_config("EXP-3333", *SMALL)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        steps = steps_of(config, Path(folder))
        prepared, preparation = steps.prepare(steps.choose(steps.reconcile(steps.snapshot())))
        prepared.save_to_disk(Path(folder, "prepared"))
        seconds, completed = {}, 0
        for parallel in (2, 1):
            seconds[parallel], done = _apart(Path(folder), preparation.labels, parallel)
            completed += done
            note(f"{TRIALS} trials, {parallel} at a time: {seconds[parallel]:.1f} s")
    print(
        json_line(
            "tuning",
            under(seconds[2] / seconds[1], GOAL, "of the time of one at a time"),
            {"trials": all_of(completed, 2 * TRIALS, "completed")},
            seconds={f"{parallel} at a time": round(took, 1) for parallel, took in seconds.items()},
            examples=len(prepared["train"]),
            threads_a_trial=1,
        )
    )


def _apart(folder: Path, labels: list[str], parallel: int) -> tuple[float, int]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_study, folder, labels, parallel).result()


def _study(folder: Path, labels: list[str], parallel: int) -> tuple[float, int]:
    """Seconds of one study, and how many of its trials were completed."""
    quiet_defaults()
    import datasets

    from finetune.tuning.tune import tune

    config = shipped_config("EXP-3333", *SMALL, *STUDY, f"tune.parallel={parallel}")
    prepared = datasets.DatasetDict.load_from_disk(folder / "prepared")
    own = folder / str(parallel)
    (own / "scratch").mkdir(parents=True)
    began = datetime.now(UTC).isoformat()
    run = {"experiment": config.experiment, "run_number": 1, "stack": "local", "started": began}
    started = time.perf_counter()
    tuned = tune(
        prepared,
        run=run,
        labels=labels,
        functions=config.functions,
        model=config.model.model_dump(),
        train=config.train,
        settings=config.tune,
        place=own / "study",
        checkpoints=own / "checkpoints",
        scratch=own / "scratch",
    )
    return time.perf_counter() - started, tuned.result.completed


if __name__ == "__main__":
    main()
