"""What the journal says of an id is what was written of it last, however often it was opened."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.reconcile import known
from finetune.reconcile.journal import Journal
from finetune.reconcile.known import Known

GUIDS = [f"id {number}" for number in range(6)]
DIGESTS = ["0" * 64, "1" * 64]
STEPS = st.lists(st.tuples(st.sampled_from(GUIDS), st.sampled_from([*DIGESTS, "", "open"])), max_size=30)


@settings(max_examples=60)
@given(STEPS)
def test_the_last_word_counts_and_a_line_remains_of_each_id(steps: list[tuple[str, str]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path, expected = Path(folder, "journal"), dict[str, str]()
        journal = Journal(path, "code")
        for guid, digest in steps:
            if digest == "open":
                journal.__exit__(None, None, None)
                journal = Journal(path, "code")
            elif digest:
                journal.add(guid, digest)
                expected[guid] = digest
            else:
                journal.forget(guid)
                expected.pop(guid, None)
            assert {(each, one) for each in GUIDS for one in DIGESTS if journal.has(each, one)} == set(expected.items())
        journal.__exit__(None, None, None)
        with Journal(path, "code"):
            lines = path.read_text().splitlines()
        assert sorted(lines) == sorted(f"{guid}\t{digest}" for guid, digest in expected.items())


def test_a_torn_line_is_left_out_and_what_follows_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b"a\t1\nb\t2\nc\t")
    with Journal(path, "code") as journal:
        assert (journal.has("a", "1"), journal.has("b", "2"), journal.has("c", "")) == (True, True, False)
        journal.add("d", "4")
    assert path.read_text() == "a\t1\nb\t2\nd\t4\n"


def test_many_ids_are_known_in_few_bytes() -> None:
    many = 3 * known.MERGED_AT + 7
    some = Known((f"{number}", "a") for number in range(0, many, 2))
    for number in range(1, many, 2):
        some.set(f"{number}", "b")
    some.set("4", "")
    some.set("5", "")
    wrong = [number for number in range(many) if not some.has(f"{number}", "ab"[number % 2])]
    assert wrong == [4, 5]
    assert not some.knows("4") and some.knows("6") and not some.knows("none")
