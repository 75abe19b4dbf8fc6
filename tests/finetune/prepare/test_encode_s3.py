"""Encoding, and reading texts, from a home in S3."""

import functools
import tempfile
from pathlib import Path
from typing import Any

import datasets
import pytest

from finetune.errors import EvaluateError, PrepareError
from finetune.evaluation.document import document_texts
from finetune.prepare.encode import encode
from finetune.storage.uri import to_place
from tests.finetune.s3_server import put

FEATURES = datasets.Features({"length": datasets.Value("int64"), "labels": datasets.Value("int64")})
GUIDS = [f"{number:02}" for number in range(20)]


def encode_data(instance: dict[str, str], label2id: dict[str, int] | None, model: dict[str, Any]) -> dict[str, int]:
    text = Path(instance["t"]).read_text()
    if text == "bad":
        raise ValueError("no text")
    return {"length": len(text), "labels": 0}


def encoded(reconciled: str, scratch: Path, processes: int) -> datasets.Dataset:
    return encode(
        GUIDS,
        reconciled=to_place(reconciled),
        files_at_home=["t"],
        encode_data=encode_data,
        features=FEATURES,
        label2id={"x": 0},
        model={},
        processes=processes,
        batch_size=4,
        scratch=scratch,
    ).dataset


@pytest.fixture
def reconciled(bucket: str) -> str:
    put(bucket, {f"home/{guid}/t": b"1" * int(guid) for guid in GUIDS})
    return f"s3://{bucket}/home"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_home_in_s3_gives_the_same_examples_and_leaves_nothing_here(
    processes: int, reconciled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    below = functools.partial(tempfile.TemporaryDirectory, dir=tmp_path / "tmp")
    monkeypatch.setattr(tempfile, "TemporaryDirectory", below)
    assert encoded(reconciled, tmp_path, processes)["length"][:] == [int(guid) for guid in GUIDS]
    assert not list((tmp_path / "tmp").rglob("t"))


def test_an_error_names_the_file_in_s3(reconciled: str, bucket: str, tmp_path: Path) -> None:
    put(bucket, {"home/07/t": b"bad"})
    with pytest.raises(PrepareError, match=f"encode_data raised ValueError: no text for id 07 with {reconciled}/07/t;"):
        encoded(reconciled, tmp_path, 1)


def test_texts_are_read_in_the_order_of_the_ids(reconciled: str, bucket: str) -> None:
    assert document_texts(to_place(reconciled), ["03", "01"], "t") == ["111", "1"]
    put(bucket, {"home/03/t": b"\xff"})
    with pytest.raises(EvaluateError, match=f"{reconciled}/03/t: must be UTF-8 text"):
        document_texts(to_place(reconciled), ["03"], "t")
