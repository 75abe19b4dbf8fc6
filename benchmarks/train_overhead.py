"""Measures training samples/s of finetune.training.train.train against a bare PyTorch loop, side by side.

Both have the same seed, examples, collator, batches, optimiser, schedule, clipping, precision, threads and settings of
malloc, validate after each epoch and keep the best weights on disk. They take turns; medians of three are compared.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import tempfile
from statistics import median

from benchmarks.figure import Figure, at_least, json_line, under
from benchmarks.turns import in_turns
from benchmarks.workspace import shipped_config
from cli.environment import quiet_defaults

GOAL = 0.97
LARGEST_LOSS_DIFFERENCE = 2.0
REPEATS = 3
SMALL = ("prepare.max_per_label=200", "prepare.dataset_name=small", "train.epochs=2")


def main() -> None:
    quiet_defaults()
    from benchmarks.prepared import steps_of

    config = shipped_config("EXP-3333", *SMALL)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        steps = steps_of(config, Path(folder))
        prepared, preparation = steps.prepare(steps.choose(steps.reconcile(steps.snapshot())))
        sides = in_turns(config, prepared, preparation.labels, Path(folder), REPEATS)
    speed = {name: median(side.samples_per_second for side in each) for name, each in sides.items()}
    loss = {name: median(side.final_loss for side in each) for name, each in sides.items()}
    print(
        json_line(
            "train_overhead",
            at_least(speed["train"] / speed["bare"], GOAL, "of a bare loop's samples/s"),
            {"final_losses_differ": _difference(loss["train"], loss["bare"])},
            samples_per_second={name: round(value, 2) for name, value in speed.items()},
            final_loss={name: round(value, 5) for name, value in loss.items()},
            all_samples_per_second={
                name: [round(side.samples_per_second, 2) for side in each] for name, each in sides.items()
            },
            examples=len(prepared["train"]),
            epochs=config.train.epochs,
            threads=sides["train"][0].threads,
        )
    )


def _difference(first: float, second: float) -> Figure:
    return under(abs(first - second) / second * 100, LARGEST_LOSS_DIFFERENCE, "%")


if __name__ == "__main__":
    main()
