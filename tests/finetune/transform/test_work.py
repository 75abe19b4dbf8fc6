import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.errors import TransformError
from finetune.transform.outcome import Outcome, conclude, outcome_at
from finetune.transform.payloads import lines_of
from finetune.transform.records import Failed, Found, Record, records_in
from finetune.transform.work import Answered, Plan, Work

MB = 1 << 20
ANSWER = {"label": "a", "probabilities": {"a": 0.75, "b": 0.25}}


def records(*guids: str) -> list[Found]:
    return [Record(guid, {"text.txt": f"text of {guid}"}, f"file, line {at}") for at, guid in enumerate(guids, start=1)]


def planned(work: Work, found: list[Found], **more: Any) -> Plan:
    return work.planned("some", found, **{"per_file": 2, "most_bytes": MB} | more)


def answer(work: Work, plan: Plan, *parts: str) -> None:
    """What a transform that joins would give; `bad` is refused."""
    for part in parts or work.parts(plan):
        asked = [json.loads(line) for line in lines_of(Path(work.input(part)).read_bytes())]
        told = [{"error": "dropped"} if each["guid"].startswith("bad") else ANSWER for each in asked]
        joined = [{"guid": each["guid"], "SageMakerOutput": one} for each, one in zip(asked, told, strict=True)]
        Path(work.output(part)).write_text("".join(json.dumps(line) + "\n" for line in joined))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "bad-1", "bad-2", "c"]), max_size=9), st.integers(1, 4))
def test_no_record_is_lost_and_none_is_counted_twice(
    tmp_path_factory: pytest.TempPathFactory, guids: list[str], per_file: int
) -> None:
    work = Work(str(tmp_path_factory.mktemp("work") / "work"))
    lost = Failed(None, "no JSON", "file, line 0")
    plan = planned(work, [lost, *records(*guids)], per_file=per_file)
    answer(work, plan)
    found = list(work.results(plan))
    assert len(found) == len(guids) + 1
    answered = [each.guid for each in found if isinstance(each, Answered)]
    assert answered == [guid for guid in dict.fromkeys(guids) if not guid.startswith("bad")]
    assert [each.reason for each in found if isinstance(each, Failed) and each.source == "file, line 0"] == ["no JSON"]


def test_what_is_done_is_not_to_do_again_and_the_plan_is_kept(tmp_path: Path) -> None:
    work = Work(str(tmp_path / "work"))
    plan = planned(work, records("a", "b", "c"))
    answer(work, plan, "part-00000.jsonl")
    again = Work(str(tmp_path / "work"))
    assert planned(again, records()) == plan == Plan("some", 2, 3, 0)
    assert again.todo(plan) == ["part-00001.jsonl"]
    with pytest.raises(TransformError, match="answers of another transform \\(some\\), not of other"):
        again.planned("other", [], per_file=2, most_bytes=MB)


def test_a_record_that_is_too_large_fails_alone(tmp_path: Path) -> None:
    work = Work(str(tmp_path / "work"))
    plan = planned(work, [*records("a"), Record("large", {"text.txt": "x" * 200}, "file, line 2")], most_bytes=150)
    answer(work, plan)
    [_, failed] = work.results(plan)
    assert failed == Failed("large", "has 274 bytes, more than transform.max_payload_mb allows", "file, line 2")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("", "must have 1 answers, one a record, but has 0"),
        ('{"guid": "z", "SageMakerOutput": {}}\n', "must have the answer to a, but got that to z"),
        ('{"guid": "a"}\n', "transform.output_filter must leave them"),
        ('"text"\n', "the answer must hold probabilities"),
    ],
)
def test_an_output_that_does_not_fit_is_refused(tmp_path: Path, output: str, said: str) -> None:
    work = Work(str(tmp_path / "work"))
    plan = planned(work, records("a"))
    Path(work.output("part-00000.jsonl")).write_text(output)
    with pytest.raises(TransformError, match=said):
        list(work.results(plan))


def test_answers_without_their_records_are_told_apart_by_their_order(tmp_path: Path) -> None:
    work = Work(str(tmp_path / "work"))
    plan = planned(work, records("a", "b"))
    Path(work.output("part-00000.jsonl")).write_text((json.dumps(ANSWER) + "\n") * 2)
    assert [each.guid for each in work.results(plan)] == ["a", "b"]


def test_an_outcome_is_written_whole_and_belongs_to_its_source(tmp_path: Path) -> None:
    work = Work(str(tmp_path / "work"))
    plan = planned(work, records("a", "bad"))
    answer(work, plan)
    assert conclude(str(tmp_path), work, plan) == outcome_at(str(tmp_path), "some") == Outcome("some", 2, 1, 1)
    assert json.loads((tmp_path / "failed.jsonl").read_text())["reason"] == "dropped"
    assert json.loads((tmp_path / "predictions.jsonl").read_text())["label"] == "a"
    assert not (tmp_path / "work").exists()
    with pytest.raises(TransformError, match="holds the answers to some, not to other"):
        outcome_at(str(tmp_path), "other")


def test_a_folder_of_ids_is_read_with_the_files_that_the_model_reads(tmp_path: Path) -> None:
    for guid, files in {
        "a": {"text.txt": "ä\r\n", "more": "x"},
        "b": {},
        "c": {"text.txt": "c", "second": "s"},
    }.items():
        (tmp_path / guid).mkdir()
        for name, text in files.items():
            (tmp_path / guid / name).write_bytes(text.encode())
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "text.txt").write_bytes(b"\xff")
    found = {each.guid: each for each in records_in(str(tmp_path), ["text.txt", "second"])}
    assert found["a"] == Record("a", {"text.txt": "ä\r\n"}, str(tmp_path / "a"))
    assert found["c"] == Record("c", {"text.txt": "c", "second": "s"}, str(tmp_path / "c"))
    assert "none of the files" in str(found["b"]) and "no text in UTF-8" in str(found["d"])


def test_lines_of_all_files_are_read_and_bad_ones_are_kept_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_text(
        '{"guid": "a", "instance": {"t": "x"}}\n\nnothing\n[1]\n{"guid": 7, "instance": {}}\n'
    )
    (tmp_path / "2.jsonl").write_text('{"guid": "b", "instance": {"t": "y"}}')
    found = list(records_in(str(tmp_path), ["t"]))
    assert [each.guid for each in found] == ["a", None, None, None, "b"]
    assert [each.source.rpartition("/")[2] for each in found] == [
        *(f"1.jsonl, line {number}" for number in (1, 3, 4, 5)),
        "2.jsonl, line 1",
    ]


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_a_place_without_anything_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(TransformError, match="there is nothing"):
        list(records_in(str(tmp_path / name), ["t"]))
