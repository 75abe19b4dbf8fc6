"""The journal of an experiment's stages, stages.json: every move, and one that was broken off, to be taken back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from finetune.errors import RegistryError
from finetune.experiment import Home
from finetune.registry.stages import Move, Stage, Stages, in_production, stages_of


@dataclass(frozen=True)
class Journal:
    """What is known of an experiment's stages."""

    moves: list[Move] = field(default_factory=list)
    """Carried out, in order."""
    unfinished: Mapping[str, Stages] | None = None
    """Stages that each registry had before a move that was begun, and neither finished nor taken back."""

    @property
    def stages(self) -> dict[int, Stage]:
        """Where each version is."""
        return stages_of(self.moves)

    @property
    def production(self) -> int | None:
        """The version that is approved now; None if there is none."""
        return in_production(self.stages)

    def begun(self, there: Mapping[str, Stages]) -> "Journal":
        """The same before a move is tried."""
        return replace(self, unfinished=there)

    def taken_back(self) -> "Journal":
        """The same after a move that came to nothing."""
        return replace(self, unfinished=None)

    def done(self, move: Move) -> "Journal":
        """The same with one more move."""
        return Journal([*self.moves, move])


def read_journal(home: Home) -> Journal:
    """Reads it; an experiment without registered models has an empty one.

    Raises:
        RegistryError: It is no journal.
    """
    content = home.storage.read(str(home.stages))
    if content is None:
        return Journal()
    try:
        values = json.loads(content)
        unfinished = values["unfinished"]
        there = {name: _stages(each) for name, each in unfinished.items()} if unfinished is not None else None
        return Journal([Move.from_dict(each) for each in values["moves"]], there)
    except (ValueError, TypeError, KeyError) as error:
        raise RegistryError(f"{home.stages} cannot be read: {error!r}; mend it, or take it from a backup") from error


def write_journal(home: Home, journal: Journal) -> None:
    """Writes it; readers see the old or the new one."""
    home.storage.write(str(home.stages), (json.dumps(asdict(journal), indent=2) + "\n").encode())


def _stages(values: Mapping[str, str]) -> dict[int, Stage]:
    return {int(version): Stage(stage) for version, stage in values.items()}
