"""The folder of a transform: files of records that are asked about, their outputs, and what could not be asked.

input/part-00000.jsonl   records, a line each
output/part-00000.jsonl.out   their answers, in the same order; a file that is there is whole, and not done again
failed.jsonl             records that could not be asked
plan.json                how many of each; written last: without it the input is made anew
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from finetune.errors import TransformError
from finetune.storage.storage import Storage, storage_of
from finetune.storage.uri import join
from finetune.transform.paths import ANSWER
from finetune.transform.payloads import in_chunks, lines_of
from finetune.transform.records import Failed, Found, Record

PLAN, FAILED = "plan.json", "failed.jsonl"


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    source: str
    """What is asked about and by what, in words: another source is another transform."""
    parts: int
    records: int
    failed: int


@dataclass(frozen=True)
class Answered:
    """A record's answer."""

    guid: str
    label: str
    probabilities: dict[str, float]


class Work:
    """A transform's folder, local or in S3."""

    def __init__(self, folder: str) -> None:
        self.folder = folder.rstrip("/")
        self.storage: Storage = storage_of(self.folder)

    def planned(self, source: str, records: Iterable[Found], *, per_file: int, most_bytes: int) -> Plan:
        """The plan, made now, or by an earlier call that was interrupted.

        Args:
            source: What is asked about and by what.
            records: The records; read only where there is no plan.
            per_file: Records a file.
            most_bytes: Largest record; a larger one fails.

        Raises:
            TransformError: The folder belongs to another source.
        """
        known = self.storage.read(join(self.folder, PLAN))
        if known is not None:
            plan = Plan(**json.loads(known))
            if plan.source != source:
                raise TransformError(
                    f"{self.folder} holds the answers of another transform ({plan.source}), not of {source}; name "
                    "another place, or remove it"
                )
            return plan
        plan = self._write(source, _once(records, most_bytes), per_file)
        self.storage.write(join(self.folder, PLAN), json.dumps(asdict(plan)).encode())
        return plan

    def parts(self, plan: Plan) -> list[str]:
        """Names of all files of records."""
        return [f"part-{number:05d}.jsonl" for number in range(plan.parts)]

    def todo(self, plan: Plan) -> list[str]:
        """Names of those without an output."""
        done = set(self.storage.below(join(self.folder, "output"))) if plan.parts else set()
        return [name for name in self.parts(plan) if f"{name}.out" not in done]

    def input(self, part: str) -> str:
        """Where a file of records lies."""
        return join(self.folder, "input", part)

    def output(self, part: str) -> str:
        """Where its answers lie."""
        return join(self.folder, "output", f"{part}.out")

    def results(self, plan: Plan) -> Iterator[Answered | Failed]:
        """Every record once: with its answer, or with the reason why it has none.

        Raises:
            TransformError: A file has more or fewer answers than records, or answers of other records.
        """
        for part in self.parts(plan):
            asked = lines_of(self.storage.read(self.input(part)) or b"")
            answers = lines_of(self.storage.read(self.output(part)) or b"")
            if len(asked) != len(answers):
                raise TransformError(
                    f"{self.output(part)}: must have {len(asked)} answers, one a record, but has {len(answers)}; "
                    "remove it, and go on"
                )
            yield from (
                _result(json.loads(record), json.loads(each)) for record, each in zip(asked, answers, strict=True)
            )
        for line in lines_of(self.storage.read(join(self.folder, FAILED)) or b""):
            yield Failed(**json.loads(line))

    def _write(self, source: str, records: Iterable[Found], per_file: int) -> Plan:
        for folder in ("input", "output"):  # which must be there on a disk
            self.storage.claim(join(self.folder, folder))
        failed: list[Failed] = []
        count = parts = 0
        good = _apart(records, failed)
        for some in in_chunks(good, per_file):
            self.storage.write(self.input(f"part-{parts:05d}.jsonl"), b"".join(each.line() + b"\n" for each in some))
            count, parts = count + len(some), parts + 1
        lines = "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in failed)
        self.storage.write(join(self.folder, FAILED), lines.encode())
        return Plan(source, parts, count, len(failed))


def _apart(records: Iterable[Found], failed: list[Failed]) -> Iterator[Record]:
    for each in records:
        if isinstance(each, Record):
            yield each
        else:
            failed.append(each)


def _once(records: Iterable[Found], most_bytes: int) -> Iterator[Found]:
    """The records, but for those that come twice or are too large, which fail."""
    seen: set[str] = set()
    for each in records:
        if not isinstance(each, Record):
            yield each
        elif each.guid in seen:
            yield Failed(each.guid, "comes a second time; the first was asked about", each.source)
        elif (size := len(each.line()) + 1) > most_bytes:
            yield Failed(each.guid, f"has {size:,} bytes, more than transform.max_payload_mb allows", each.source)
        else:
            seen.add(each.guid)
            yield each


def _result(record: dict[str, Any], value: Any) -> Answered | Failed:
    """A record with its answer, joined or alone."""
    told = value if isinstance(value, dict) else {}
    answer, guid = told.get(ANSWER, told), told.get("guid", record["guid"])
    source = record["source"]
    if guid != record["guid"]:
        raise TransformError(f"{source}: must have the answer to {record['guid']}, but got that to {guid}")
    if "error" in answer:
        return Failed(record["guid"], str(answer["error"]), source)
    if "probabilities" not in answer:
        raise TransformError(
            f"{source}: the answer must hold probabilities, but got {json.dumps(value)[:200]}; transform.output_filter "
            "must leave them"
        )
    return Answered(record["guid"], answer["label"], answer["probabilities"])


def ordered(results: Iterable[Answered | Failed]) -> tuple[list[Answered], list[Failed]]:
    """Those with an answer, and those without."""
    answered, failed = list[Answered](), list[Failed]()
    for each in results:
        answered.append(each) if isinstance(each, Answered) else failed.append(each)
    return answered, failed


def as_lines(rows: Sequence[Answered | Failed]) -> bytes:
    """As JSON Lines."""
    return "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows).encode()
