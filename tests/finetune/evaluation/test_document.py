import json
from pathlib import Path

import pytest

from finetune.errors import EvaluateError
from finetune.evaluation.document import document_text


def test_json_gives_its_strings_in_order(tmp_path: Path) -> None:
    path = tmp_path / "raw_text.json"
    value = {"pages": [{"text": "one", "page": 1}, {"text": "two", "words": ["three", None, True, 4.5]}], "end": "é"}
    path.write_text(json.dumps(value), encoding="utf-8")
    assert document_text(path) == "one\ntwo\nthree\né"


def test_json_without_strings_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "raw_text.json"
    path.write_text("[1, {}]")
    assert document_text(path) == ""


def test_another_file_is_its_text(tmp_path: Path) -> None:
    path = tmp_path / "rule.txt"
    path.write_text('{"a": "ü"}', encoding="utf-8")
    assert document_text(str(path)) == '{"a": "ü"}'


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", b"\xff\xfe"), ("a.json", b"{"), ("a.json", b"[" * 100_000), ("b.txt", None)],
)
def test_what_cannot_be_read_names_the_file_and_the_key(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(EvaluateError, match=rf"{name}.*evaluate\.baseline_text"):
        document_text(tmp_path / name)
