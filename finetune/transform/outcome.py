"""What a transform leaves at its place: answers, failed records with their reasons, and a summary, written last."""

import json
from dataclasses import asdict, dataclass

from finetune.errors import TransformError
from finetune.storage.storage import storage_of
from finetune.storage.uri import join
from finetune.transform.work import Plan, Work, as_lines, ordered

ANSWERS, FAILED, SUMMARY, WORK = "predictions.jsonl", "failed.jsonl", "summary.json", "work"


@dataclass(frozen=True)
class Outcome:
    """How many records there were, and what became of them."""

    source: str
    """What was asked about, and by what."""
    records: int
    answered: int
    failed: int


def outcome_at(place: str, source: str) -> Outcome | None:
    """That of an earlier call; None if there is none.

    Raises:
        TransformError: The place holds that of another source.
    """
    content = storage_of(place).read(join(place, SUMMARY))
    if content is None:
        return None
    found = Outcome(**json.loads(content))
    if found.source != source:
        raise TransformError(f"{place} holds the answers to {found.source}, not to {source}; name another place")
    return found


def conclude(place: str, work: Work, plan: Plan) -> Outcome:
    """Writes it, and removes the work's folder.

    Raises:
        TransformError: An output does not fit its input.
    """
    storage = storage_of(place)
    answered, failed = ordered(work.results(plan))
    storage.write(join(place, ANSWERS), as_lines(answered))
    storage.write(join(place, FAILED), as_lines(failed))
    outcome = Outcome(plan.source, len(answered) + len(failed), len(answered), len(failed))
    storage.write(join(place, SUMMARY), (json.dumps(asdict(outcome), indent=2, ensure_ascii=False) + "\n").encode())
    storage.delete_below(work.folder)
    return outcome
