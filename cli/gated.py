"""What the gate decided of a run, where its model is registered, and what a transform says: lines for the terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from finetune.runs import Run
from finetune.words import counted


def is_gated(gate: Mapping[str, Any], several: Mapping[str, Any]) -> bool:
    """Whether a run that failed did so because of its gate alone.

    Args:
        gate: What the gate decided.
        several: What run.json says of several models, if there are.
    """
    return not gate["passed"] and not any("failure" in each for each in several.get("models", {}).values())


def gate_lines(run: Run) -> Iterator[str]:
    """The verdict, each missed rule with its reason, the version's address in each registry, and the transform."""
    if run.gate:
        rules, model = run.gate["rules"], f" ({run.gate['model']})" if run.gate["model"] else ""
        missed = [rule for rule in rules if not rule["passed"]]
        every = counted(len(rules), "rule")
        told = f"{len(missed)} of {every} missed" if missed else f"{every} kept"
        yield f"gate       {'gated' if missed else 'passed'}{model}: {told}"
        yield from (f"           {rule['rule']}: {rule['reason']}" for rule in missed)
    if run.registered:
        listed = ", ".join(f"{name} ({address})" for name, address in run.registered.items())
        yield f"registered version {run.run_number} in {listed}"
    if asked := run.transformed:
        farthest = max(asked["differences"].values(), default=0.0)
        answered = f"{counted(asked['answered'], 'record')} answered, {asked['failed']:,} failed"
        yield f"transform  {answered}; metrics at most {farthest:.6f} from evaluate's"
