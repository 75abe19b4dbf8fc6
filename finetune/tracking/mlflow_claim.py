"""Which of MLflow's runs is the one of a run number, though several steps begin at once and each makes one.

MLflow gives no run a unique name. So each step that finds none makes one, takes a turn above those that it sees, and
waits until every other one has a turn, too; the lowest turn counts, for all of them. It is Lamport's bakery
(https://lamport.azurewebsites.net/pubs/bakery.pdf): whoever is not seen yet will take a higher turn.
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

RUN, STARTED, TURN = "finetune.run", "finetune.started", "finetune.turn"
"""Tags: experiment and run number; when the run was claimed; the turn that its maker took."""
PATIENCE_S, AGAIN_S = 10.0, 0.05
"""How long a run without a turn is waited for: its maker may have died; between two looks."""

Turns = Mapping[str, int | None]
"""The turns of runs, by their ids; None as long as it was not taken."""


def next_turn(turns: Turns) -> int:
    """A turn above all that were taken."""
    return 1 + max((turn for turn in turns.values() if turn is not None), default=0)


def chosen(turns: Turns) -> str | None:
    """The run that counts: of the lowest turn, and of those the one whose id comes first; None if there is none."""
    return min(((turn, run) for run, turn in turns.items() if turn is not None), default=(0, None))[1]


def turns_of(client: Any, experiment: str, run: str, started: str) -> dict[str, int | None]:
    """Every run of MLflow that was made for one run number, with its turn.

    Args:
        client: MLflow's client.
        experiment: MLflow's id of the experiment.
        run: Experiment and run number.
        started: When the run number was claimed: another home has the same number at another time.
    """
    asked = f"tags.`{RUN}` = '{run}' and tags.`{STARTED}` = '{started}'"
    runs = client.search_runs([experiment], filter_string=asked)
    return {each.info.run_id: int(each.data.tags[TURN]) if TURN in each.data.tags else None for each in runs}


class Claim:
    """One step's claim to the run of its run number. One whose connection broke is made again, with the same run."""

    def __init__(self, client: Any, experiment: str, run: str, started: str, name: str) -> None:
        """Reaches nobody yet; as `turns_of`, with the name that MLflow shows."""
        self._client, self._experiment, self._name = client, experiment, name
        self._tags = {RUN: run, STARTED: started}
        self._turns = partial(turns_of, client, experiment, run, started)
        self.made: str | None = None

    def run(self) -> str:
        """The id of the run that every step of this number gets; `made` if this step made it."""
        if self.made is None or self.made not in self._turns():  # not made yet, or taken back
            self.made = None
            if (there := self._settled()) is not None:
                return there
            self.made = str(self._client.create_run(self._experiment, run_name=self._name, tags=self._tags).info.run_id)
        if (turns := self._turns())[self.made] is None:
            self._client.set_tag(self.made, TURN, str(next_turn(turns)))
        first = self._settled() or self.made
        if first != self.made:
            self._client.delete_run(self.made)
        return first

    def _settled(self) -> str | None:
        """The run that counts, once all but this step's own have their turns."""
        ends = time.monotonic() + PATIENCE_S
        while True:
            turns = self._turns()
            if None not in turns.values() or time.monotonic() > ends:
                return chosen(turns)
            time.sleep(AGAIN_S)
