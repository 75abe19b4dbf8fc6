"""Runs EXP-3335, long licence texts in unequal classes, end to end: its metrics beside those of its baselines."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # started by its path, a script finds only its own folder

from benchmarks.figure import Figure, json_line
from benchmarks.workspace import workspace

SHOWN = ("accuracy", "macro_f1", "weighted_f1")


def main() -> None:
    with workspace() as place:
        ran = place.run("EXP-3335")
    metrics, baselines = ran.record["metrics"], ran.record["baselines"]
    best = max(baseline["macro_f1"] for baseline in baselines.values())
    macro_f1 = metrics["macro_f1"]
    print(
        json_line(
            "long_texts",
            Figure(macro_f1, "macro F1", f"above both baselines ({best:.3f})", macro_f1 > best),
            {},
            model=_shown(metrics),
            **{name: _shown(baseline) for name, baseline in baselines.items()},
            seconds=round(ran.seconds, 1),
            seconds_of_steps=ran.record["seconds"],
        )
    )


def _shown(metrics: dict[str, float]) -> dict[str, float]:
    return {name: round(metrics[name], 4) for name in SHOWN}


if __name__ == "__main__":
    main()
