"""kill -9 at random moments inside the steps' work: what comes of it in the end is what an undisturbed run gives."""

import random
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from tests.e2e.test_stop import statuses
from tests.e2e.workbench import Workbench

WORK = ["reconcile", "prepare", "train", "evaluate"]
KILLS = 5
SAVE_EVERY = 4
PAUSE_S = 0.03
"""A call of a function takes this long, so that a kill falls among them."""

NOTED = '''

AT_HOME = "reconciled_artifacts"  # elsewhere run.py tries the functions before it begins


def noted(step: str) -> None:
    """Writes a line for each call, and lets it take a moment."""
    import os
    import time

    time.sleep({pause})
    with Path({calls!r}).open("ab") as file:
        file.write(f"{{step}}\\n".encode())
        file.flush()
        os.fsync(file.fileno())
'''


def slowed(bench: Workbench, pause: float) -> Path:
    """Each function notes its calls in a file, which is given; training has dropout, so that its chance counts, too."""
    calls = bench.folder / "calls"
    calls.touch()
    bench.replace(
        '    Path(home, "label.json")',
        '    noted("reconcile" if AT_HOME in home else "try")\n    Path(home, "label.json")',
    )
    bench.replace(
        "    ids = word_ids(",
        '    noted("prepare" if AT_HOME in instance["text.json"] else "try")\n    ids = word_ids(',
    )
    bench.replace(
        "        logits = self.head(self.embedding(input_ids).sum(dim=1) / words)",
        "        tried = len(input_ids) < 5  # what run.py tries the functions on before it begins\n"
        '        kind = "try" if tried else "train" if self.training else "validate"\n'
        '        noted("evaluate" if torch.is_inference_mode_enabled() else kind)\n'
        "        pooled = self.embedding(input_ids).sum(dim=1) / words\n"
        "        logits = self.head(torch.nn.functional.dropout(pooled, 0.2, self.training))",
    )
    source = bench.functions.read_text(encoding="utf-8")
    bench.functions.write_text(source + NOTED.format(pause=pause, calls=str(calls)), encoding="utf-8")
    bench.config["reconcile"]["workers"] = 1
    bench.config["train"] |= {"epochs": 12, "batch_size": 8, "save_every": SAVE_EVERY}
    bench.config["evaluate"]["batch_size"] = 1
    bench.write_config()
    return calls


def noted(calls: Path) -> list[str]:
    return calls.read_text(encoding="utf-8").split()


def kill_in(bench: Workbench, calls: Path, step: str, into: int, *options: str) -> None:
    """Starts run.py and kills it at a call in a step's work."""
    before = Counter(noted(calls))[step]
    process = bench.start(*options)
    until = time.monotonic() + 300
    while Counter(noted(calls))[step] < before + into:
        assert process.poll() is None and time.monotonic() < until, process.communicate()[0]
        time.sleep(0.005)
    process.kill()
    process.communicate()


def copies(bench: Workbench) -> dict[str, tuple[int, int]]:
    """The files of production at home, with what tells one copy of them from another."""
    found = (path for path in bench.home.rglob("text.json"))
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


def test_a_run_that_is_killed_again_and_again_ends_as_an_undisturbed_one(bench: Workbench, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    draw = random.Random(seed)
    undisturbed = Workbench.make(tmp_path / "calm", bench.zenml, f"{bench.experiment}-calm", bench.warm)
    calls = slowed(undisturbed, 0.0)
    ended = undisturbed.warm_run()
    assert ended.code == 0, ended.said
    whole = Counter(noted(calls))

    calls = slowed(bench, PAUSE_S)
    options: list[str] = []
    kept: dict[str, tuple[int, int]] = {}
    killed: Counter[str] = Counter()
    for step in sorted(
        draw.sample(["reconcile", "prepare", "train", "train", "train", "evaluate"], KILLS), key=WORK.index
    ):
        done = Counter(noted(calls))[step] if step in ("reconcile", "train") else 0  # the others begin anew
        into = draw.randint(1, max(1, whole[step] - done - 1))
        print(f"seed {seed}: kill -9 in {step}, at call {into} of {whole[step] - done}")
        kill_in(bench, calls, step, into, *options)
        killed[step] += 1
        now = copies(bench)
        assert kept.items() <= now.items(), "a file was copied twice"
        options, kept = bench.resume, now
    ended = bench.warm_run(*options)
    assert ended.code == 0, ended.said

    assert kept.items() <= copies(bench).items(), "a file was copied twice"
    assert Counter(noted(calls))["train"] <= whole["train"] + killed["train"] * SAVE_EVERY
    assert bench.run_numbers() == [1]
    mine, theirs = bench.record(1), undisturbed.record(1)
    assert mine["status"] == "completed" and mine["metrics"] == theirs["metrics"]
    assert mine["baselines"] == theirs["baselines"]
    assert predictions(bench) == predictions(undisturbed)
    assert not (bench.home / "runs" / "1" / "checkpoints").exists()
    assert statuses(bench)[-1] == "completed" and "running" not in statuses(bench)


def predictions(bench: Workbench) -> dict[str, list[object]]:
    folder = Path(bench.record(1)["artifacts"]["predictions"])
    found: dict[str, list[object]] = pq.read_table(next(folder.rglob("*.parquet"))).to_pydict()
    return found
