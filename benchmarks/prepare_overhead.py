"""Measures texts/s of prepare's encode against a bare Dataset.map over the same encode_data.

Both read the same files of EXP-3334's ids, in as many processes and batches as large; they take turns, and medians of
three are compared. Reading the JSON, tokenizing in batches and encode_data are measured alone too, in one process, so
that it is known what the rest costs.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import json
import os
import tempfile
import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.figure import at_least, json_line
from benchmarks.workspace import note, shipped_config
from cli.environment import quiet_defaults

if TYPE_CHECKING:
    from benchmarks.prepared import Steps
    from finetune.prepare.prepare import Chosen

GOAL = 0.9
REPEATS = 3


def main() -> None:
    quiet_defaults()
    from benchmarks.prepared import steps_of

    config = shipped_config("EXP-3334")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        steps = steps_of(config, Path(folder))
        chosen = steps.choose(steps.reconcile(steps.snapshot()))
        note(f"{len(chosen.guids):,} ids are at home")
        sides: dict[str, list[float]] = {"encode": [], "bare": []}
        for turn in range(REPEATS):
            for side in ("encode", "bare") if turn % 2 == 0 else ("bare", "encode"):
                work = encode_side if side == "encode" else bare_side
                seconds = work(steps, chosen, f"{side}-{turn}")
                sides[side].append(len(chosen.guids) / seconds)
                note(f"{side}: {sides[side][-1]:,.0f} texts/s")
        settings = steps.encoding(chosen, "alone")
        alone = _alone(steps, chosen, settings)
    encode, bare = median(sides["encode"]), median(sides["bare"])
    print(
        json_line(
            "prepare_overhead",
            at_least(encode / bare, GOAL, "of a bare map's texts/s"),
            {},
            texts=len(chosen.guids),
            processes=settings["processes"],
            encode_texts_per_second=round(encode),
            bare_map_texts_per_second=round(bare),
            alone_texts_per_second={name: round(speed) for name, speed in alone.items()},
            microseconds_per_text_and_process=_shares(encode, bare, settings["processes"], alone),
        )
    )


def encode_side(steps: "Steps", chosen: "Chosen", scratch: str) -> float:
    """Seconds of finetune.prepare.encode.encode."""
    from finetune.prepare.encode import encode

    label2id = {label: index for index, label in enumerate(chosen.names)}
    settings = steps.encoding(chosen, scratch)
    started = time.perf_counter()
    encode(chosen.guids, reconciled=steps.home.reconciled, label2id=label2id, **settings)
    return time.perf_counter() - started


def bare_side(steps: "Steps", chosen: "Chosen", scratch: str) -> float:
    """Seconds of Dataset.map alone."""
    import datasets

    settings = steps.encoding(chosen, scratch)
    label2id = {label: index for index, label in enumerate(chosen.names)}
    bare = Bare(settings["encode_data"], label2id, settings["model"])
    started = time.perf_counter()
    paths = {name: [str(steps.home.reconciled / guid / name) for guid in chosen.guids] for name in steps.files_at_home}
    source = datasets.Dataset.from_dict(paths)
    source.map(
        bare,
        batched=True,
        batch_size=settings["batch_size"],
        num_proc=settings["processes"],
        remove_columns=source.column_names,
        features=settings["features"],
        cache_file_name=str(settings["scratch"] / "bare.arrow"),
        load_from_cache_file=False,
        new_fingerprint="bare",  # as encode does: hashing the function would be counted against the bare side
    )
    return time.perf_counter() - started


class Bare:
    """Calls encode_data for each id of a batch and lays the examples out in columns: what a map needs, no more."""

    def __init__(self, encode_data: Callable[..., Any], label2id: dict[str, int], model: dict[str, Any]) -> None:
        self._encode_data, self._label2id, self._model = encode_data, label2id, model

    def __call__(self, batch: dict[str, list[str]]) -> dict[str, list[Any]]:
        """Encodes a batch of paths."""
        instances = (dict(zip(batch, paths, strict=True)) for paths in zip(*batch.values(), strict=True))
        encoded = (self._encode_data(instance, self._label2id, self._model) for instance in instances)
        examples = [example for example in encoded if example is not None]
        return {name: [example[name] for example in examples] for name in examples[0] if name != "truncated"}


def _alone(steps: "Steps", chosen: "Chosen", settings: dict[str, Any]) -> dict[str, float]:
    """Texts/s of one process that does one thing alone: read the JSON, tokenize texts in memory, call encode_data."""
    from finetune.training.collate import load_tokenizer

    model, size, texts = settings["model"], settings["batch_size"], []
    tokenizer = load_tokenizer(model["checkpoint"])
    label2id = {label: index for index, label in enumerate(chosen.names)}
    instances = [
        {name: str(steps.home.reconciled / guid / name) for name in steps.files_at_home} for guid in chosen.guids
    ]

    def read() -> None:
        for instance in instances:
            contents = [json.loads(Path(path).read_text(encoding="utf-8")) for path in instance.values()]
            texts.append(contents[0]["text"])

    def tokenize(threads: str) -> None:
        os.environ["TOKENIZERS_PARALLELISM"] = threads
        for start in range(0, len(texts), size):
            tokenizer(texts[start : start + size], truncation=True, max_length=model["max_length"])

    def call() -> None:
        for instance in instances:
            settings["encode_data"](instance, label2id, model)

    work = {
        "reading": read,
        "encode_data": call,
        "tokenizing_in_batches": lambda: tokenize("false"),
        "tokenizing_in_batches_on_all_cores": lambda: tokenize("true"),
    }
    return {name: len(instances) / _seconds(each) for name, each in work.items()}


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _shares(encode: float, bare: float, processes: int, alone: dict[str, float]) -> dict[str, int]:
    """What one text costs a process, in microseconds: encode as a whole, and its parts."""
    whole, encode_data = processes / encode * 1e6, 1e6 / alone["encode_data"]
    reading, tokenizing = 1e6 / alone["reading"], 1e6 / alone["tokenizing_in_batches"]
    shares = {
        "bare_map": processes / bare * 1e6,
        "encode": whole,
        "of_which_reading": reading,
        "tokenizing": tokenizing,
        "calling_the_tokenizer_text_by_text": encode_data - reading - tokenizing,
        "map_processes_and_arrow": whole - encode_data,
    }
    return {name: round(value) for name, value in shares.items()}


if __name__ == "__main__":
    main()
