"""Measures what a second training process brings on the same cores, and what the exchange of gradients costs.

EXP-3333's model is trained in 1 process with all threads and in 2 with half of them each, in turns. Both divide the
same batches, so their losses must agree. A process with two threads uses two cores already: the gain is what threads
lose inside one process, less the exchange.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import subprocess
import tempfile
from statistics import median

from benchmarks.figure import json_line, under
from benchmarks.prepared import steps_of
from benchmarks.workspace import note, shipped_config
from finetune.evaluation.scores import default_metrics
from finetune.training.spec import TrainingSpec
from finetune.training.train import Trained, train

REPEATS = 3
SMALL = ("prepare.max_per_label=160", "train.epochs=1", "train.precision=fp32")
EXCHANGE = """
import os, sys, time, torch
from torch import distributed
distributed.init_process_group("gloo")
gradient, seconds = torch.ones(int(sys.argv[1])), []
for _ in range(12):
    distributed.barrier()
    started = time.perf_counter()
    distributed.all_reduce(gradient)
    seconds.append(time.perf_counter() - started)
if distributed.get_rank() == 0:
    print(sorted(seconds)[len(seconds) // 2])
distributed.destroy_process_group()
"""


def exchange_seconds(parameters: int, folder: Path) -> float:
    """Median time in which 2 processes add up a gradient of so many numbers."""
    script = folder / "exchange.py"
    script.write_text(EXCHANGE, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    ran = subprocess.run([*command, str(script), str(parameters)], capture_output=True, text=True, check=True)
    return float(ran.stdout.strip().splitlines()[-1])


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        config = shipped_config("EXP-3333", *SMALL)
        steps = steps_of(config, folder)
        chosen = steps.choose(steps.reconcile(steps.snapshot()))
        prepared, preparation = steps.prepare(chosen)

        def trained(processes: int, number: int) -> Trained:
            return train(
                prepared,
                TrainingSpec(
                    labels=preparation.labels,
                    functions=config.functions,
                    get_model=steps.functions.get_model,
                    compute_metrics=default_metrics,
                    model=steps.model,
                    settings=config.train.model_copy(update={"processes": processes}),
                    checkpoints=folder / f"checkpoints-{processes}-{number}",
                    target=folder / f"model-{processes}-{number}",
                ),
            )

        speeds: dict[int, list[float]] = {1: [], 2: []}
        losses: dict[int, float] = {}
        for number in range(REPEATS):
            for processes in (1, 2) if number % 2 == 0 else (2, 1):
                done = trained(processes, number)
                speeds[processes].append(done.examples_per_second)
                losses[processes] = [point["loss"] for point in done.history if "loss" in point][-1]
                note(f"{processes} processes: {done.examples_per_second:.1f} examples/s")
        model = steps.functions.get_model(steps.model, preparation.labels)
        size = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
        exchange = exchange_seconds(size, folder)
        step = config.train.batch_size / median(speeds[2])
    print(
        json_line(
            "launch",
            under(abs(losses[2] / losses[1] - 1) * 100, 1, "% between the final losses"),
            {},
            speed_up=round(median(speeds[2]) / median(speeds[1]), 3),
            examples_per_second={str(count): [round(each, 1) for each in found] for count, found in speeds.items()},
            communication_share=round(exchange / step, 3),
            exchange_seconds=round(exchange, 4),
            step_seconds=round(step, 3),
            gradient_megabytes=round(size * 4 / 1e6, 1),
        )
    )


if __name__ == "__main__":
    main()
