"""EXP-3333's model, packed and served in a process of its own, and the same model called directly in another."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from benchmarks.workspace import ROOT, shipped_config
from cli.environment import quiet_defaults
from finetune.config.experiment import ONLY

LABELS = ["notice", "reference", "tag", "text"]
FILE = "raw_text.json"


class Example(NamedTuple):
    """A model folder, its package, and the files of real ids."""

    model: Path
    package: Path
    files: list[Path]


class Server(NamedTuple):
    """A server that serves."""

    pid: int
    port: int


def example(folder: Path, texts: int) -> Example:
    """Makes the model as get_model builds it, with a head that was never trained, which takes as long."""
    import torch

    from finetune.evaluation.predict import Predictor
    from finetune.functions import load_functions
    from finetune.serving.package import write_package
    from finetune.training.collate import default_padding
    from finetune.training.model_folder import ModelFacts, save

    config = shipped_config("EXP-3333")
    section = config.all_models[ONLY][0].model_dump()
    torch.manual_seed(0)
    module = load_functions(config.functions).get_model(section, LABELS)
    padding = default_padding(section["checkpoint"])
    features = ["input_ids", "attention_mask"]
    facts = ModelFacts(config.functions, section, LABELS, features, {name: padding.get(name, 0) for name in features})
    save(folder / "model", module, facts)
    files = real_files(Path(config.production.files), texts)
    answers = Predictor(folder / "model").predict([{FILE: str(path)} for path in files[:4]])
    golden = [
        {"instance": {FILE: path.read_text(encoding="utf-8")}, "probabilities": answer}
        for path, answer in zip(files, answers, strict=False)
    ]
    target = folder / "model.tar.gz"
    write_package(folder / "model", functions=config.functions, labels=LABELS, golden=golden, target=target)
    return Example(folder / "model", target, files)


def real_files(production: Path, count: int) -> list[Path]:
    """Files of ids that lie evenly among all; none is empty."""
    every = sorted(path / FILE for path in production.iterdir())
    full = [path for path in every if json.loads(path.read_text(encoding="utf-8"))["text"].strip()]
    return full[:: len(full) // count][:count]


@contextmanager
def served(package: Path, folder: Path) -> Iterator[Server]:
    """Serves the package as `run.py serve` does, until the end of the context."""
    command = [sys.executable, "-m", "finetune.serving.start", str(package), "--host", "127.0.0.1", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    with (
        (folder / "server.log").open("w+") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            yield Server(process.pid, _port(process, folder / "server.log"))
        finally:
            process.terminate()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    while process.poll() is None:
        if found := re.search(r"serving on http://127.0.0.1:(\d+)", log.read_text(encoding="utf-8")):
            return int(found[1])
        time.sleep(0.2)
    raise RuntimeError(f"the server ended:\n{log.read_text(encoding='utf-8')}")


class Bare:
    """The model alone."""

    def __init__(self, folder: Path) -> None:
        quiet_defaults()
        from finetune.functions import load_functions
        from finetune.training.collate import Collator
        from finetune.training.model_folder import load, read_facts

        facts = read_facts(folder)
        functions = load_functions(facts.functions)
        self.model = load(folder, facts, functions.get_model)
        self.encode, self.section = functions.encode_data, facts.model
        self.collate = Collator(facts.features, facts.padding)


_bare = cache(Bare)


def bare_loop(folder: Path, batches: Sequence[Sequence[Path]]) -> dict[str, float]:
    """Seconds of `encode`, all files one by one, and of `model`: collate and forward of each batch, nothing else.

    A process loads the model once.
    """
    import torch

    bare = _bare(folder)
    started = time.perf_counter()
    encoded = [[bare.encode({FILE: str(path)}, None, bare.section) for path in batch] for batch in batches]
    between = time.perf_counter()
    with torch.inference_mode():
        for examples in encoded:
            torch.softmax(bare.model(**bare.collate(examples))["logits"].float(), dim=-1).tolist()
    return {"encode": between - started, "model": time.perf_counter() - between}
