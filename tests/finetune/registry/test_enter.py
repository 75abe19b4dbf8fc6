from pathlib import Path

import pytest

from finetune.errors import RegistryError
from finetune.experiment import Home
from finetune.registry.enter import enter
from finetune.registry.facts import Facts, check_package, versions
from finetune.registry.registry import refuse_other
from tests.finetune.registry.test_move import FACTS, Book


def test_a_registration_that_was_broken_off_is_completed_from_the_facts_and_again_changes_nothing(
    tmp_path: Path,
) -> None:
    home, books, made = Home(str(tmp_path / "outputs"), "EXP-1-moved"), [Book("one"), Book("two")], []
    for book in books:
        book.entries.clear()

    def make() -> tuple[Path, Facts]:
        made.append(3)
        (tmp_path / "package").write_bytes(b"abc")
        return tmp_path / "package", Facts(run_number=3, **FACTS)

    def refuse(facts: Facts) -> str:
        raise RegistryError("the server does not answer")

    answering, books[1].register = books[1].register, refuse  # type: ignore[method-assign]
    with pytest.raises(RegistryError, match="does not answer"):
        enter(home, 3, make, books)
    assert versions(home) == [3] and 3 in books[0].entries and 3 not in books[1].entries
    books[1].register = answering  # type: ignore[method-assign]
    assert enter(home, 3, make, books) == enter(home, 3, make, books) == {"one": "", "two": ""}
    assert made == [3] and all(set(book.entries) == {3} for book in books)
    check_package(home, 3)


def test_a_version_with_another_package_is_refused_with_what_to_do() -> None:
    facts = Facts(run_number=3, **{**FACTS, "package": {"sha256": "a" * 64}})
    refuse_other("zenml", facts, "a" * 64)
    with pytest.raises(RegistryError, match="zenml has version 3 of EXP-1-moved already, with another"):
        refuse_other("zenml", facts, None)
