"""Moves a version in all registries, or in none: what was done before one of them failed is taken back.

What is being done stands in the journal meanwhile, so that a process that was killed, or a registry that is down,
leaves nothing half done for longer than until the next command.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from finetune.errors import FinetuneError, RegistryError
from finetune.experiment import Home
from finetune.registry.facts import check_package
from finetune.registry.journal import Journal, read_journal, write_journal
from finetune.registry.registry import Note, Registry
from finetune.registry.stages import Move, Stage, Stages, before, changes, moved

Say = Callable[[str], None]
AGAIN = "; the next promote, rollback or models command takes it back"


def promote(home: Home, registries: Sequence[Registry], version: int, to: Stage, *, by: str, say: Say) -> Move:
    """Puts a version into a stage everywhere; who was there goes to none.

    Args:
        home: The experiment's home, which holds the journal and the packages.
        registries: All of the stack.
        version: The run number.
        to: The stage.
        by: Who does it.
        say: Takes a line.

    Raises:
        RegistryError: A registry does not answer, has no such version, or failed on the way: then all are as they were.
    """
    with _journal(home, registries, say) as journal:
        return _carry_out(home, registries, journal, Move(version, to, _now(), by), say)


def roll_back(home: Home, registries: Sequence[Registry], *, by: str, say: Say) -> Move:
    """Puts the version that was in production before the present one there again.

    Raises:
        RegistryError: There was none, or as `promote`.
    """
    with _journal(home, registries, say) as journal:
        version = before(journal.moves)
        if version is None:
            raise RegistryError(f"rollback {home.experiment}: no version was in production before the present one")
        return _carry_out(home, registries, journal, Move(version, Stage.PRODUCTION, _now(), by, rollback=True), say)


def settle(home: Home, registries: Sequence[Registry], say: Say) -> Journal:
    """Takes back a move that was broken off, if there is one; gives the journal.

    Raises:
        RegistryError: A registry does not answer.
    """
    if read_journal(home).unfinished is None:
        return read_journal(home)
    with _journal(home, registries, say) as journal:
        return journal


@contextmanager
def _journal(home: Home, registries: Sequence[Registry], say: Say) -> Iterator[Journal]:
    """The journal, held by this process, with nothing unfinished in it."""
    with home.storage.locked(f"{home.stages}.lock", f"the stages of {home.experiment}"):
        journal = read_journal(home)
        if journal.unfinished is not None:
            say("an earlier move was broken off; taking it back")
            known = {registry.name: registry for registry in registries}
            gone = sorted(journal.unfinished.keys() - known.keys())
            if gone:
                raise RegistryError(
                    f"{home.stages}: a move was broken off that {', '.join(gone)} took part in, which this stack "
                    "has not; name the stack that has"
                )
            _take_back(home.experiment, [known[name] for name in journal.unfinished], journal.unfinished)
            journal = journal.taken_back()
            write_journal(home, journal)
        yield journal


def _carry_out(home: Home, registries: Sequence[Registry], journal: Journal, move: Move, say: Say) -> Move:
    if move.to is not Stage.NONE:
        check_package(home, move.version)
    there = {registry.name: registry.stages(home.experiment) for registry in registries}
    lacking = [name for name, stages in there.items() if move.version not in stages]
    if lacking:
        raise RegistryError(
            f"version {move.version} of {home.experiment} is not in {', '.join(lacking)}, so nothing was moved; "
            f"they have {_numbers(there[lacking[0]])}"
        )
    write_journal(home, journal.begun(there))
    note = Note(f"{'rolled back to ' if move.rollback else ''}{move.to}", move.at, move.by)
    touched: list[Registry] = []
    try:
        for registry in registries:
            touched.append(registry)
            _move(registry, home.experiment, there[registry.name], move, note)
    except BaseException as error:
        _undo(home, journal, touched, there, error)
        if not isinstance(error, Exception):  # Ctrl-C
            raise
        raise RegistryError(f"{touched[-1].name}: {error}; all registries are as they were") from error
    write_journal(home, journal.done(move))
    return move


def _move(registry: Registry, experiment: str, there: Stages, move: Move, note: Note) -> None:
    for version, stage in changes(there, moved(there, move.version, move.to)):
        told = note if version == move.version else replace(note, text=f"replaced by version {move.version}")
        registry.move(experiment, version, stage, told)


def _undo(
    home: Home, journal: Journal, touched: Sequence[Registry], there: Mapping[str, Stages], error: BaseException
) -> None:
    """Takes back what was done.

    Raises:
        RegistryError: Not all could be taken back; the journal keeps what is left to do.
    """
    try:
        _take_back(home.experiment, list(reversed(touched)), there)
    except RegistryError as left:
        raise RegistryError(f"{touched[-1].name}: {error}; and not all was taken back: {left}{AGAIN}") from error
    write_journal(home, journal.taken_back())


def _take_back(experiment: str, registries: Sequence[Registry], there: Mapping[str, Stages]) -> None:
    """Brings the registries back to these stages; one that does not answer does not keep the others from it."""
    failed = []
    for registry in registries:
        try:
            note = Note("a move was taken back", _now(), "run.py")
            for version, stage in changes(registry.stages(experiment), there[registry.name]):
                registry.move(experiment, version, stage, note)
        except FinetuneError as error:
            failed.append(f"{registry.name}: {error}")
    if failed:
        raise RegistryError("; ".join(failed))


def _numbers(stages: Stages) -> str:
    return f"the versions {', '.join(map(str, sorted(stages)))}" if stages else "no version of it"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
