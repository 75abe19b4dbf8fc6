"""Writes the answers to a request: labels with probabilities, as JSON, JSON Lines or CSV. Pure."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from finetune.serving.forms import Form
from finetune.serving.refused import Rejected

Answer = dict[str, float] | Rejected
"""The probability of each label, or why there is none."""


@dataclass(frozen=True)
class Answers:
    """The answers to a request, in the order of its instances."""

    answers: list[Answer]
    labels: list[str]
    asked: Form
    """The form of the request."""
    header: bool
    """A CSV begins with the names of its columns."""


def text_of(answers: Answers, form: Form) -> str:
    """The text of an answer.

    JSON: `{"predictions": [{"label": ..., "probabilities": {...}}, {"error": ...}, ...]}`. JSON Lines: one of these a
    line. CSV: the label, each label's probability, and the error; two of the three are empty.
    """
    if form is Form.CSV:
        return _csv(answers)
    rows = [_row(answer) for answer in answers.answers]
    if form is Form.JSON_LINES:
        return "".join(f"{_json(row)}\n" for row in rows)
    return _json({"predictions": rows})


def best(answer: dict[str, float]) -> str:
    """The most probable label; of equal ones the first, as evaluate has it."""
    return max(answer, key=lambda label: answer[label])


def _row(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Rejected):
        return {"error": answer.reason}
    return {"label": best(answer), "probabilities": answer}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _csv(answers: Answers) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    if answers.header:
        writer.writerow(["label", *answers.labels, "error"])
    writer.writerows(_cells(answer, answers.labels) for answer in answers.answers)
    return file.getvalue()


def _cells(answer: Answer, labels: Sequence[str]) -> list[Any]:
    if isinstance(answer, Rejected):
        return ["", *("" for _ in labels), answer.reason]
    return [best(answer), *(answer[label] for label in labels), ""]
