"""Measures texts/s of a transform on this machine against a bare batched loop over the same model, texts and batches.

EXP-3333's model, with a head that was never trained, which takes as long. Both sides read the same files and take
turns; medians of three are compared. Of 20,000 texts, which would take half an hour, TEXTS are asked about in each
turn: starting the process, which a transform does once, is measured by itself, and 20,000 texts are reckoned from both.
With --full each side is asked about all of them, once.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from benchmarks.figure import all_of, at_least, json_line
from benchmarks.served import FILE, example
from benchmarks.workspace import note
from cli.environment import quiet_defaults

GOAL, WHOLE, TEXTS, REPEATS = 0.9, 20_000, 2_000, 3
BATCH = 32
"""Texts that the model works on at once, on both sides."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="all 20,000 texts, once: about eight minutes")
    texts, repeats = (WHOLE, 1) if parser.parse_args().full else (TEXTS, REPEATS)
    quiet_defaults()
    from finetune.config.transform import TransformConfig

    settings = TransformConfig()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        folder = Path(scratch)
        model, package, files = example(folder, texts)
        bare = _bare(model, settings.records_per_file)
        started = _start_seconds(package)
        sides: dict[str, list[float]] = {"transform": [], "bare": []}
        answered = 0
        for turn in range(repeats):
            for side in ("transform", "bare") if turn % 2 == 0 else ("bare", "transform"):
                began = time.perf_counter()
                if side == "transform":
                    answered = _transform(folder / f"answers-{turn}", package, files)
                else:
                    bare(files)
                sides[side].append(time.perf_counter() - began)
                note(f"{side}: {texts / sides[side][-1]:,.1f} texts/s")
    transform, plain = median(sides["transform"]), median(sides["bare"])
    whole = started + (transform - started) * WHOLE / texts
    print(
        json_line(
            "transform",
            at_least(plain * WHOLE / texts / whole, GOAL, "of a bare batched loop's texts/s, on 20,000 texts"),
            {"answered": all_of(answered, texts, "texts")},
            texts_in_a_turn=texts,
            transform_texts_per_second=round(texts / transform, 1),
            bare_texts_per_second=round(texts / plain, 1),
            start_seconds=round(started, 1),
            share_with_the_start_borne_by_the_texts_of_a_turn=round(plain / transform, 3),
        )
    )


def _bare(model: Path, together: int) -> Callable[[Sequence[Path]], None]:
    """The loop: encode so many texts as a request holds, sort them by length, and let the model work in batches."""
    import torch

    from finetune.functions import load_functions
    from finetune.training.collate import Collator
    from finetune.training.model_folder import load, read_facts

    facts = read_facts(model)
    functions = load_functions(facts.functions)
    module, collate = load(model, facts, functions.get_model), Collator(facts.features, facts.padding)

    def loop(files: Sequence[Path]) -> None:
        for start in range(0, len(files), together):
            some = files[start : start + together]
            examples: list[dict[str, Any]] = [
                functions.encode_data({FILE: str(path)}, None, facts.model) for path in some
            ]
            examples.sort(key=lambda example: len(example["input_ids"]))
            with torch.inference_mode():
                for at in range(0, len(examples), BATCH):
                    torch.softmax(module(**collate(examples[at : at + BATCH]))["logits"], dim=-1)

    return loop


def _start_seconds(package: Path) -> float:
    """What the process of a transform takes until it serves."""
    from finetune.transform.here import Server

    began = time.perf_counter()
    server = Server(package, cores=2, payload_mb=6)
    seconds = time.perf_counter() - began
    server.end()
    return seconds


def _transform(place: Path, package: Path, files: Sequence[Path]) -> int:
    """As `run.py predict` does it: the number of answers."""
    from finetune.config.transform import TransformConfig
    from finetune.transform.here import ask_here
    from finetune.transform.outcome import conclude
    from finetune.transform.payloads import MB
    from finetune.transform.records import records_of_ids
    from finetune.transform.work import Work

    settings, work = TransformConfig(), Work(str(place / "work"))
    place.mkdir()
    records = records_of_ids(str(files[0].parents[1]), [path.parent.name for path in files], [FILE])
    plan = work.planned("texts", records, per_file=settings.records_per_file, most_bytes=settings.max_payload_mb * MB)
    ask_here(work, work.todo(plan), package, settings)
    return conclude(str(place), work, plan).answered


if __name__ == "__main__":
    main()
