"""Two sides of a training benchmark in turns, each training in a process of its own."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.workspace import note
from cli.environment import quiet_defaults
from finetune.config.experiment import ExperimentConfig

if TYPE_CHECKING:
    import datasets

    from benchmarks.training_sides import Side


def in_turns(
    config: ExperimentConfig, prepared: "datasets.DatasetDict", labels: list[str], folder: Path, repeats: int
) -> dict[str, list["Side"]]:
    """Trains with finetune's train and with the bare loop, `repeats` times each, in alternating order."""
    prepared.save_to_disk(folder / "prepared")
    sides: dict[str, list[Side]] = {"train": [], "bare": []}
    for turn in range(repeats):
        for name in ("train", "bare") if turn % 2 == 0 else ("bare", "train"):
            side = _apart(name, config, folder, labels, turn)
            note(f"{name}: {side.samples_per_second:.2f} samples/s, final loss {side.final_loss:.5f}")
            sides[name].append(side)
    return sides


def _apart(name: str, config: ExperimentConfig, folder: Path, labels: list[str], turn: int) -> "Side":
    """One training in a new process: what it leaves of the heap slows or speeds the next by several per cent."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_side, name, config, folder, labels, turn).result()


def _side(name: str, config: ExperimentConfig, folder: Path, labels: list[str], turn: int) -> "Side":
    quiet_defaults()
    import datasets

    from benchmarks.prepared import steps_of
    from benchmarks.training_sides import bare_side, train_side

    work = train_side if name == "train" else bare_side
    prepared = datasets.DatasetDict.load_from_disk(folder / "prepared")
    return work(steps_of(config, folder), prepared, labels, folder / f"{name}-{turn}")
