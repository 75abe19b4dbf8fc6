"""One file of records: into requests, the answers filtered, joined and put together, as a batch transform does it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.errors import TransformError
from finetune.transform.paths import joined, picked
from finetune.transform.payloads import answers_of, body_of, lines_of, requests_of

ALL = "$"


@dataclass(frozen=True)
class Ways:
    """How it is done; the names are those of SageMaker's request."""

    split: bool
    """SplitType Line: each line is a record; else the whole file is one."""
    assemble: bool
    """AssembleWith Line: each answer ends a line."""
    single: bool
    """BatchStrategy SingleRecord."""
    most_bytes: int | None
    input_filter: str = ALL
    output_filter: str = ALL
    join: bool = False

    @property
    def processes(self) -> bool:
        """Whether answers are looked into."""
        return self.join or self.output_filter != ALL


def transformed(
    content: bytes, ways: Ways, ask: Callable[[bytes], bytes], stopped: Callable[[], bool] = lambda: False
) -> bytes | None:
    """The output of a file; None if it is stopped before its end.

    Args:
        content: The file's.
        ways: How it is done.
        ask: Gives the model's answer to a request.
        stopped: Whether to give up, asked before each request.

    Raises:
        TransformError: A record or an answer does not fit. What `ask` raises is let through.
    """
    records = lines_of(content) if ways.split else [content]
    asked = [_filtered(record, ways.input_filter) for record in records]
    parts, at = list[bytes](), 0
    for batch in requests_of(asked, most_records=_most_records(ways), most_bytes=ways.most_bytes):
        if stopped():
            return None
        answer = ask(body_of(batch) if ways.split else batch[0])
        parts += _answers(answer, records[at : at + len(batch)], ways)
        at += len(batch)
    return b"".join(part.rstrip(b"\n") + b"\n" if ways.assemble else part for part in parts)


def _most_records(ways: Ways) -> int | None:
    return 1 if ways.single or not ways.split else None


def _answers(answer: bytes, records: Sequence[bytes], ways: Ways) -> list[bytes]:
    """The answer as it is, or, where it is filtered or joined, record by record."""
    if not ways.processes:
        return [answer]
    found = answers_of(answer, len(records)) if ways.split else [answer]
    return [_processed(record, each, ways) for record, each in zip(records, found, strict=True)]


def _processed(record: bytes, answer: bytes, ways: Ways) -> bytes:
    value = _value(answer)
    whole = joined(_value(record), value) if ways.join else value
    return json.dumps(picked(whole, ways.output_filter), ensure_ascii=False).encode()


def _filtered(record: bytes, path: str) -> bytes:
    return record if path == ALL else json.dumps(picked(_value(record), path), ensure_ascii=False).encode()


def _value(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise TransformError(f"must be JSON, but got {text[:200]!r} ({error})") from error
