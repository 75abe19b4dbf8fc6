import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.serving.forms import Form
from finetune.serving.refused import Rejected, RequestError
from finetune.serving.requests import Asked, read_body, read_instances

TYPES = ("application/json", "application/jsonlines", "application/x-ndjson", "text/csv; charset=UTF-8")
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda name: name not in (".", "..")
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
CONTENTS = TEXTS | st.lists(VALUES, max_size=3) | st.dictionaries(TEXTS, VALUES, max_size=3)
INSTANCES = st.lists(st.dictionaries(NAMES, CONTENTS, min_size=1, max_size=3), min_size=1, max_size=4)


def asked(
    text: str | bytes, kind: str = "application/json", files: tuple[str, ...] = ("a", "b"), most: int = 9
) -> Asked:
    body = text.encode() if isinstance(text, str) else text
    return read_instances(read_body(body, kind), files, most)


def refused(text: str | bytes, kind: str = "application/json", **settings: Any) -> tuple[int, str]:
    with pytest.raises(RequestError) as caught:
        asked(text, kind, **settings)
    return caught.value.status, str(caught.value)


def contents(instance: dict[str, Any]) -> dict[str, Any]:
    """As encode_data reads the files: a text as it is, anything else as JSON."""
    return {name: content if isinstance(content, str) else ("json", content) for name, content in instance.items()}


def found(given: Any, like: dict[str, Any]) -> dict[str, Any]:
    return {
        name: content.decode() if isinstance(like[name], str) else ("json", json.loads(content))
        for name, content in given.items()
    }


@given(INSTANCES)
def test_json_and_json_lines_give_each_files_content_back(instances: list[dict[str, Any]]) -> None:
    lines = "\n".join(json.dumps(each) for each in instances)
    texts = {json.dumps({"instances": instances}): TYPES[0], json.dumps(instances): TYPES[0], lines: TYPES[1]}
    for text, kind in texts.items():
        read = asked(text, kind).instances
        assert [found(one, like) for one, like in zip(read, instances, strict=True)] == list(map(contents, instances))


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4), st.booleans())
def test_csv_gives_each_cell_back_with_and_without_a_header(rows: list[tuple[str, str]], header: bool) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows] if header else rows)
    if not header and set(rows[0]) == {"a", "b"}:
        return  # such a row is a header
    read = asked(file.getvalue(), "text/csv")
    assert read.header == header
    assert read.instances == [{"a": first.encode(), "b": second.encode()} for first, second in rows]


@settings(max_examples=400)
@given(
    st.binary(max_size=60) | TEXTS.map(str.encode) | VALUES.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(TYPES),
)
def test_whatever_is_sent_is_read_or_refused_with_a_status_and_a_message(body: bytes, kind: str) -> None:
    try:
        read = asked(body, kind)
    except RequestError as error:
        assert error.status in (400, 413) and str(error)
    else:
        assert read.instances
        for each in read.instances:
            assert each.reason if isinstance(each, Rejected) else all(isinstance(part, bytes) for part in each.values())


def test_a_bad_line_is_rejected_alone_but_a_bad_instance_of_a_list_refuses_the_list() -> None:
    lines = '{"a": "x"}\n\n{"a"\n[1]\n{"a": 5}\r\n{"a": {"b": 1}}\n'
    read = asked(lines, "application/jsonlines").instances
    assert read[0] == {"a": b"x"} and read[4] == {"a": b'{"b": 1}'}
    reasons = [each.reason for each in read if isinstance(each, Rejected)]
    assert [reason.split(":")[0] for reason in reasons] == ["line 3", "line 4", "line 5"]
    assert "must be an object with a file's content by its name, but got [1]" in reasons[1]
    assert "a must be a text, or a JSON object or list, but got 5" in reasons[2]
    assert refused('[{"a": "x"}, {"a": 5}]') == (
        400,
        "instance 1: a must be a text, or a JSON object or list, but got 5",
    )


def test_a_row_with_other_cells_is_rejected_alone() -> None:
    read = asked("a,b\n1,2\n3\n4,5\n", "text/csv").instances
    assert read == [
        {"a": b"1", "b": b"2"},
        Rejected("line 3: must have 2 cells (a, b), but has 1"),
        {"a": b"4", "b": b"5"},
    ]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..", ".", "", "a/b", "a\0b", "é" * 200])
def test_a_file_name_that_leads_elsewhere_is_refused(name: str) -> None:
    status, said = refused(json.dumps({name: "x"}))
    assert status == 400 and "a file's name must be a plain one such as text.json" in said


@pytest.mark.parametrize(
    ("body", "kind", "status", "message"),
    [
        (b"", "application/json", 400, "the request is empty"),
        (b" \n ", "text/csv", 400, "the request is empty"),
        (b"[]", "application/json", 400, "the request has no instances"),
        (b"{}", "application/json", 400, "instance 0 must be an object with a file's content by its name, but got {}"),
        (b'"a"', "application/json", 400, "instance 0 must be an object"),
        (b'{"a": NaN}', "application/json", 400, "the request is no JSON: NaN is no JSON"),
        (b'{"a": [1e999]}', "application/json", 400, "instance 0: a: Out of range float values"),
        (b'{"a": "\\ud800"}', "application/json", 400, r"instance 0: a holds half a character (\ud800)"),
        (b'{"\\ud800": ""}', "application/json", 400, r"holds half a character (\ud800)"),
        (b"[" * 100_000, "application/json", 400, "the request is no JSON: maximum recursion depth"),
        (b'{"a": ' + b"1" * 5000 + b"}", "application/json", 400, "the request is no JSON: Exceeds the limit"),
        ('{"a": "é"}'.encode("latin-1"), "application/json", 400, "the request must be UTF-8, but byte 7 is 0xe9"),
        ("\ufeff{}".encode("utf-16"), "application/json", 400, "the request must be UTF-8, but byte 0 is 0xff"),
        (b"x", "application/json; charset=latin-1", 415, "the charset must be utf-8, but got 'latin-1'"),
        (b"x", "", 415, "Content-Type: must be one of application/json, application/jsonlines, text/csv, but got ''"),
        (b"x", "image/png", 415, "but got 'image/png'"),
        (b'a,b\n"x', "text/csv", 400, "the request is no CSV: line 2: unexpected end of data"),
        (b"a,b\n", "text/csv", 400, "the CSV has no rows below its header"),
        (b"a,b,a\n1,2,3\n", "text/csv", 400, "the CSV's columns must have different names"),
        (b"[" + b'{"a": ""},' * 9 + b'{"a": ""}]', "application/json", 413, "may have 9 instances, but got 10"),
    ],
)
def test_a_bad_request_is_refused_with_its_reason(body: bytes, kind: str, status: int, message: str) -> None:
    found = refused(body, kind)
    assert found[0] == status and message in found[1]
    assert len(found[1]) < 400


def test_a_byte_order_mark_and_a_large_cell_are_taken() -> None:
    assert asked(b'\xef\xbb\xbf{"a": "x"}').instances == [{"a": b"x"}]
    text = "x" * 300_000
    assert asked(f"a,b\n{text},y\n", "text/csv").instances == [{"a": text.encode(), "b": b"y"}]


def test_a_file_called_instances_is_one_of_others() -> None:
    assert asked('{"instances": "x"}').instances == [{"instances": b"x"}]
    assert asked('{"instances": [{"a": "x"}]}').form is Form.JSON
