"""Reads the instances of a request: JSON, JSON Lines or CSV to files by name. Pure."""

import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from reprlib import Repr
from typing import Any, NoReturn

from finetune.serving.forms import Form, form_of
from finetune.serving.refused import Rejected, RequestError

LONGEST_NAME = 255
"""Bytes of a file's name, as file systems have it."""

Instance = dict[str, bytes]
"""The contents of one id's files by name."""


@dataclass(frozen=True)
class Body:
    """The text of a request."""

    text: str
    form: Form


@dataclass(frozen=True)
class Asked:
    """What a request asks for."""

    instances: list[Instance | Rejected]
    form: Form
    header: bool = True
    """A CSV began with the names of its columns; true for other forms."""


_SHORT = Repr()
"""Shows a few items of a value, and of those a few."""


class _Misfit(ValueError):
    """A value that is no instance."""


def read_body(body: bytes | str, content_type: str) -> Body:
    """Reads a request's text.

    Raises:
        RequestError: It is of another form or charset (415), not UTF-8 or empty (400).
    """
    form = form_of(content_type)
    try:
        text = bytes(body).decode("utf-8-sig") if not isinstance(body, str) else body
    except UnicodeDecodeError as error:
        raise RequestError(
            400, f"the request must be UTF-8, but byte {error.start} is 0x{error.object[error.start]:02x}"
        ) from error
    if not text.strip():
        raise RequestError(400, "the request is empty: send at least one instance, a file's content by its name")
    return Body(text, form)


def read_instances(body: Body, files: Sequence[str], most: int) -> Asked:
    """Gives the instances of a request.

    A list in JSON is read as a whole: one instance that is none refuses all. Lines of JSON Lines and rows of CSV stand
    for themselves: one that is no instance is rejected, the others are not.

    Args:
        body: The request.
        files: The columns of a CSV that does not begin with their names.
        most: Instances that a request may have.

    Raises:
        RequestError: The text is not of its form (400), or has more instances (413).
    """
    reader = {Form.JSON: _json, Form.JSON_LINES: _json_lines, Form.CSV: _csv}[body.form]
    asked = reader(body.text, files)
    if len(asked.instances) > most:
        raise RequestError(413, f"a request may have {most:,} instances, but got {len(asked.instances):,}: send fewer")
    return asked


def _json(text: str, files: Sequence[str]) -> Asked:
    try:
        value = _loads(text)
    except _Misfit as error:
        raise RequestError(400, f"the request is no JSON: {error}") from error
    if isinstance(value, dict) and value.keys() == {"instances"} and isinstance(value["instances"], list):
        value = value["instances"]
    if not isinstance(value, list):
        value = [value]
    if not value:
        raise RequestError(400, "the request has no instances: send at least one")
    try:
        return Asked([_instance(each, f"instance {index}") for index, each in enumerate(value)], Form.JSON)
    except _Misfit as error:
        raise RequestError(400, str(error)) from error


def _json_lines(text: str, files: Sequence[str]) -> Asked:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    return Asked([_or_rejected(partial(_line, line), number) for number, line in lines], Form.JSON_LINES)


def _line(line: str) -> Instance:
    return _instance(_loads(line), "it")


def _csv(text: str, files: Sequence[str]) -> Asked:
    csv.field_size_limit(sys.maxsize)  # a request's size is limited already
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise RequestError(400, f"the request is no CSV: line {reader.line_num}: {error}") from error
    header = set(files) <= set(rows[0][1]) if files else True
    columns = rows.pop(0)[1] if header else list(files)
    if len(set(columns)) < len(columns):
        raise RequestError(400, f"the CSV's columns must have different names, but got {', '.join(columns)[:200]}")
    if not rows:
        raise RequestError(400, "the CSV has no rows below its header: send at least one")
    return Asked([_or_rejected(partial(_row, columns, row), number) for number, row in rows], Form.CSV, header)


def _row(columns: Sequence[str], row: Sequence[str]) -> Instance:
    if len(row) != len(columns):
        raise _Misfit(f"must have {len(columns)} cells ({', '.join(columns)}), but has {len(row)}")
    return _instance(dict(zip(columns, row, strict=True)), "it")


def _or_rejected(read: Callable[[], Instance], line: int) -> Instance | Rejected:
    try:
        return read()
    except _Misfit as error:
        return Rejected(f"line {line}: {error}")


def _loads(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _Misfit(str(error)) from error


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _instance(value: Any, what: str) -> Instance:
    if not isinstance(value, dict) or not value:
        raise _Misfit(f"{what} must be an object with a file's content by its name, but got {_SHORT.repr(value)}")
    return {_name(name, what): _content(content, f"{what}: {name}") for name, content in value.items()}


def _name(name: str, what: str) -> str:
    encoded = _encoded(name, f"{what}: the file name {name!r:.100}")
    if not name or name in (".", "..") or "/" in name or "\0" in name or len(encoded) > LONGEST_NAME:
        raise _Misfit(f"{what}: a file's name must be a plain one such as text.json, but got {name!r:.100}")
    return name


def _content(value: Any, what: str) -> bytes:
    if isinstance(value, str):
        return _encoded(value, what)
    if not isinstance(value, dict | list):
        raise _Misfit(f"{what} must be a text, or a JSON object or list, but got {_SHORT.repr(value)}")
    try:
        return _encoded(json.dumps(value, ensure_ascii=False, allow_nan=False), what)
    except (ValueError, RecursionError) as error:
        raise _Misfit(f"{what}: {error}") from error


def _encoded(text: str, what: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise _Misfit(f"{what} holds half a character (\\u{ord(text[error.start]):04x})") from error
