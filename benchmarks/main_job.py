"""Measures the main job: EXP-3333 on 2 cores with a new ZenML database, the same command again, and its quality.

Its test split is small, so its model is judged on 600 further texts of each label, too.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

import os

from benchmarks.figure import all_of, at_least, json_line, under
from benchmarks.unseen import unseen_macro_f1
from benchmarks.workspace import ROOT, note, workspace
from finetune.config.load import load_config

CONFIG = "EXP-3333"
CORES = 2
NEVER_CACHED = "snapshot"


def main() -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    sample = ROOT / load_config(ROOT / "configs" / f"{CONFIG}.yaml").production.files
    source = "was there" if sample.exists() else "built in the first run"
    with workspace() as place:
        first = place.run(CONFIG)
        note(f"first run: {first.seconds:.1f} s, of which {first.record['seconds']}")
        again = place.run(CONFIG)
        note(f"same command again: {again.seconds:.1f} s")
        unseen, texts = unseen_macro_f1(Path(first.record["artifacts"]["model"]))
    macro_f1, tfidf = first.record["metrics"]["macro_f1"], first.record["baselines"]["tfidf"]["macro_f1"]
    later = {step: seconds for step, seconds in again.record["seconds"].items() if step != NEVER_CACHED}
    print(
        json_line(
            "main_job",
            under(first.seconds, 180, "s"),
            {
                "same_command_again": under(again.seconds, 25, "s"),
                "steps_from_cache": all_of(sum(seconds == 0 for seconds in later.values()), len(later), "steps"),
                "macro_f1": at_least(macro_f1, 0.88, ""),
                "macro_f1_above_tfidf": at_least(macro_f1 - tfidf, 0.05, ""),
            },
            tfidf_macro_f1=tfidf,
            unseen={"macro_f1": round(unseen, 4), "texts": texts},
            seconds_of_steps=first.record["seconds"],
            cores=len(os.sched_getaffinity(0)),
            sample_production=source,
        )
    )


if __name__ == "__main__":
    main()
