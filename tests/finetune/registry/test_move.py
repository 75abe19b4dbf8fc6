"""All registries move together or none, also where one of them is down in the midst, or the process is killed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from finetune.errors import RegistryError
from finetune.experiment import Home
from finetune.registry.facts import Facts, read_facts, versions, write_facts
from finetune.registry.journal import read_journal, write_journal
from finetune.registry.move import promote, roll_back, settle
from finetune.registry.registry import Note
from finetune.registry.stages import Stage

FACTS = {
    "experiment": "EXP-1-moved",
    "model": None,
    "functions": "tiny",
    "labels": ["a", "b"],
    "created": "2026-01-01",
    "stack": "local",
    "git_commit": None,
    "manifest_hash": "1" * 64,
    "dataset_hash": "2" * 64,
    "image": None,
    "metrics": {"macro_f1": 0.9},
    "baselines": {},
    "gate": {"passed": True, "rules": []},
    "artifacts": {},
    "zenml_artifacts": [],
    "zenml_run": "",
    "package": {"uri": "", "sha256": "", "size": 3},
    "statistics": "",
}


class Book:
    """A registry in memory, which can be down after so many calls."""

    def __init__(self, name: str) -> None:
        self.name, self.entries, self.calls_left = name, dict.fromkeys((5, 6, 7), Stage.NONE), 1000
        self.notes: list[Note] = []

    def _called(self) -> None:
        if self.calls_left == 0:
            raise RegistryError("the server does not answer")
        self.calls_left -= 1

    def register(self, facts: Facts) -> str:
        self.entries.setdefault(facts.run_number, Stage.NONE)
        return ""

    def stages(self, experiment: str) -> dict[int, Stage]:
        self._called()
        return dict(self.entries)

    def move(self, experiment: str, version: int, stage: Stage, note: Note) -> None:
        self._called()
        self.entries[version] = stage
        self.notes.append(note)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(str(tmp_path), "EXP-1-moved")
    for number in (5, 6, 7):
        write_facts(home, Facts(run_number=number, **FACTS))
        (tmp_path / "EXP-1-moved" / "models" / str(number) / "model.tar.gz").write_bytes(b"abc")
    return home


@pytest.fixture
def books() -> list[Book]:
    return [Book("one"), Book("two"), Book("three")]


def put(home: Home, books: Sequence[Book], version: int, to: Stage = Stage.PRODUCTION) -> list[str]:
    said: list[str] = []
    promote(home, books, version, to, by="me", say=said.append)
    return said


def test_a_promotion_moves_all_and_tells_each_who_and_why(home: Home, books: list[Book]) -> None:
    put(home, books, 5)
    put(home, books, 6)
    assert all(book.entries == {5: Stage.NONE, 6: Stage.PRODUCTION, 7: Stage.NONE} for book in books)
    assert [note.text for note in books[0].notes] == ["production", "replaced by version 6", "production"]
    journal = read_journal(home)
    assert journal.production == 6 and [move.by for move in journal.moves] == ["me", "me"]


@pytest.mark.parametrize("left", range(5))
def test_a_registry_that_goes_down_on_the_way_leaves_nothing_half_done(
    home: Home, books: list[Book], left: int
) -> None:
    put(home, books, 5)
    told = [dict(book.entries) for book in books]
    books[1].calls_left = left
    with pytest.raises(RegistryError, match="the server does not answer"):
        for version in (6, 7, 6):
            put(home, books, version)
            told = [dict(book.entries) for book in books]
    assert [book.entries for book in (books[0], books[2])] == [told[0], told[2]]
    books[1].calls_left = 1000
    said: list[str] = []
    journal = settle(home, books, said.append)
    assert [book.entries for book in books] == told and journal.unfinished is None
    assert journal.production == next(version for version, stage in told[0].items() if stage is Stage.PRODUCTION)


def test_a_move_that_was_killed_is_taken_back_by_the_next_one(home: Home, books: list[Book]) -> None:
    put(home, books, 5)
    write_journal(home, read_journal(home).begun({book.name: dict(book.entries) for book in books}))
    books[0].entries.update({5: Stage.NONE, 6: Stage.PRODUCTION})
    said = put(home, books, 7, Stage.STAGING)
    assert said == ["an earlier move was broken off; taking it back"]
    assert all(book.entries == {5: Stage.PRODUCTION, 6: Stage.NONE, 7: Stage.STAGING} for book in books)


def test_a_version_that_a_registry_lacks_is_moved_nowhere(home: Home, books: list[Book]) -> None:
    del books[2].entries[7]
    with pytest.raises(
        RegistryError, match=r"version 7 of EXP-1-moved is not in three, so nothing was moved; they have"
    ):
        put(home, books, 7)
    assert books[0].entries[7] is Stage.NONE and read_journal(home).moves == []


def test_a_version_whose_files_are_gone_is_not_promoted_but_may_leave(home: Home, books: list[Book]) -> None:
    put(home, books, 5)
    (Path(str(home.model(5))) / "model.tar.gz").unlink()
    with pytest.raises(RegistryError, match=r"model.tar.gz is gone; register a new run"):
        put(home, books, 5, Stage.STAGING)
    put(home, books, 5, Stage.NONE)
    assert read_journal(home).production is None
    with pytest.raises(RegistryError, match="is gone"):
        roll_back(home, books, by="me", say=print)


def test_a_rollback_moves_all_to_the_version_before(home: Home, books: list[Book]) -> None:
    for version in (5, 6, 7):
        put(home, books, version)
    assert roll_back(home, books, by="you", say=print).version == 6
    assert roll_back(home, books, by="you", say=print).version == 5
    assert all(book.entries[5] is Stage.PRODUCTION for book in books)
    with pytest.raises(RegistryError, match="no version was in production before"):
        roll_back(home, books, by="you", say=print)


def test_facts_of_another_code_version_say_what_to_do(home: Home) -> None:
    (Path(str(home.model(6))) / "model.json").write_text('{"run_number": 6, "unheard_of": 1}')
    with pytest.raises(RegistryError, match="another version of the code"):
        read_facts(home, 6)
    told = r"there is no .*9/model.json: its run registered no model, .* \(registered: 5, 6, 7\)"
    with pytest.raises(RegistryError, match=told):
        read_facts(home, 9)
    assert versions(home) == [5, 6, 7]
