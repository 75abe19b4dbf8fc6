"""Measures training on a GPU: tokens/s and MFU on EXP-3335's long texts, against a bare loop, side by side.

A model of Longformer's shape is built from its config and trained in bf16 on texts of up to 4,096 tokens. Tokens are
those of the texts; padding counts for nothing. Without a GPU it ends with exit code 1 and says so.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder
sys.path.insert(0, str(Path(__file__).resolve().parent / "project"))

import tempfile
from statistics import median
from typing import Any

from benchmarks.figure import at_least, json_line
from benchmarks.flops import flops_per_token, peak_of
from benchmarks.workspace import note, shipped_config
from cli.environment import quiet_defaults

GOAL, REPEATS = 0.97, 3
LONG = (
    "functions=longformer",
    "model.max_length=4096",
    "train.precision=bf16",
    "train.batch_size=8",
    "train.learning_rate=5.0e-5",
    "train.epochs=1",
    "train.class_weights=none",
    "train.early_stopping=null",
)


def main() -> None:
    quiet_defaults()
    import torch

    from benchmarks.prepared import steps_of
    from benchmarks.turns import in_turns

    if not torch.cuda.is_available():
        sys.exit("benchmarks/gpu.py needs a GPU, and torch sees none on this machine")
    config = shipped_config("EXP-3335", *LONG)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        steps = steps_of(config, Path(name))
        prepared, preparation = steps.prepare(steps.choose(steps.reconcile(steps.snapshot())))
        tokens = sum(map(len, prepared["train"]["input_ids"][:])) / len(prepared["train"])
        needed = _flops(steps.functions.get_model(steps.model, preparation.labels))
        sides = in_turns(config, prepared, preparation.labels, Path(name), REPEATS)
    device = torch.cuda.get_device_name()
    speeds = {side: median(each.samples_per_second for each in found) * tokens for side, found in sides.items()}
    note(f"{device}: {speeds}")
    peak = peak_of(device)
    print(
        json_line(
            "gpu",
            at_least(speeds["train"] / speeds["bare"], GOAL, "of a bare loop's tokens/s"),
            {},
            card=device,
            tokens_per_second={side: round(speed) for side, speed in speeds.items()},
            mfu={side: round(speed * needed / peak, 3) for side, speed in speeds.items()} if peak else None,
            tokens_per_text=round(tokens),
            megaflops_per_token=round(needed / 1e6),
        )
    )


def _flops(model: Any) -> float:
    own = sum(weight.numel() for weight in model.parameters())
    embeddings = sum(weight.numel() for weight in model.longformer.embeddings.parameters())
    shape = model.config
    window = max(shape.attention_window) if isinstance(shape.attention_window, list) else shape.attention_window
    return flops_per_token(own - embeddings, layers=shape.num_hidden_layers, hidden=shape.hidden_size, window=window)


if __name__ == "__main__":
    main()
