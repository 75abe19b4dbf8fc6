"""The controller of a study: asks for parameters, starts trials, watches, prunes and ends them, and keeps the journal.

How a trial is started is not its matter: on this machine it is a process, elsewhere a step on a machine of its own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from finetune.progress import say
from finetune.tuning.exchange import Exchange, Outcome
from finetune.tuning.journal import Journal, Record, State
from finetune.tuning.limits import best, completed_best, enough, spent
from finetune.tuning.signals import StopStudy
from finetune.tuning.space import Params
from finetune.tuning.study import Study
from finetune.tuning.words import ended_line, told

if TYPE_CHECKING:
    from finetune.config.tune import TuneConfig

GRACE_S = 110.0
"""For a trial to save after it was asked to stop, of the 120 s that SageMaker gives."""


class Handle(Protocol):
    """A trial that was started."""

    def ended(self) -> str | None:
        """How it ended, in words; None while it runs."""

    def stop(self) -> None:
        """Asks it to save and end."""

    def kill(self) -> None:
        """Ends it at once."""


@dataclass
class Running:
    """A trial at work."""

    record: Record
    handle: Handle
    exchange: Exchange
    began: float
    given_up: bool = False


class Controller:
    """Carries out one study; of several of these at a time on one journal nothing good would come."""

    def __init__(
        self,
        settings: "TuneConfig",
        *,
        default: Params,
        lower_is_better: bool,
        journal: Journal,
        start: Callable[[Record], Handle],
        poll_s: float,
    ) -> None:
        """Takes the config's section, the parameters of trial 0, the journal, and how a trial is started.

        Trials of the journal that ended are done; those that ran are started again with the same parameters.
        """
        self._settings, self._lower, self._journal, self._start = settings, lower_is_better, journal, start
        self._poll_s, self._running = poll_s, dict[int, Running]()
        self.study = Study(settings, default, lower_is_better=lower_is_better)
        self._records = {record.number: record for record in journal.records()}
        self._again = []
        for record in self._records.values():
            self.study.take_up(record)
            if record.state is State.RUNNING:
                self._again.append(record)
        self._worked, self._since = journal.seconds(), time.monotonic()

    @property
    def records(self) -> list[Record]:
        """All trials in order of number."""
        return [self._records[number] for number in sorted(self._records)]

    def run(self) -> Record:
        """Works until the study is done, and gives its best trial.

        Raises:
            StudyStopped: SIGINT or SIGTERM came; trials have saved what they did, and go on when the study does.
            TuneError: No trial gave a value.
        """
        if self._records:
            self._hear_of_leftovers()
            say(f"tune: goes on with a study of {len(self._records)} trials, of which {len(self._again)} were running")
        with StopStudy() as asked:
            try:
                self._work(asked)
            except BaseException:
                for each in self._running.values():
                    each.handle.kill()
                raise
        return self.best()

    def _hear_of_leftovers(self) -> None:
        """A trial may have ended, or been asked to, after the last controller was killed."""
        for record in list(self._again):
            exchange = Exchange(self._journal.folder(record.number))
            given_up = Outcome(State.PRUNED) if exchange.is_asked_to_stop() else None
            if (outcome := exchange.outcome() or given_up) is not None:
                self._again.remove(record)
                self._end(record, outcome)

    def _work(self, asked: StopStudy) -> None:
        while True:
            limit = spent(self._settings, self._seconds(), self._trial_seconds())
            if asked.number or limit:
                self._stop(limit)
                asked.check()
            if limit:
                say(f"tune: {limit}")
                for record in self._again:
                    self._end(record, Outcome(State.PRUNED, reason=limit))
                return
            self._fill()
            if not self._running:
                return
            time.sleep(self._poll_s)
            for each in list(self._running.values()):
                self._look(each)

    def _fill(self) -> None:
        """Starts trials while there is room."""
        while len(self._running) < self._settings.parallel and (record := self._next()) is not None:
            folder = self._journal.folder(record.number)
            self._put(record)
            say(f"tune: trial {record.number} of {self._settings.trials}: {told(record.params) or 'nothing to change'}")
            self._running[record.number] = Running(record, self._start(record), Exchange(folder), time.monotonic())

    def _next(self) -> Record | None:
        if self._again:
            return self._again.pop(0)
        if enough(self._settings, self.records, lower_is_better=self._lower):
            return None
        params = self.study.ask()
        return None if params is None else Record(len(self._records), params)

    def _look(self, each: Running) -> None:
        """Hears what a trial tells, and whether it ended; then it is told to the study."""
        how = each.handle.ended()  # before its outcome is read: a trial that ends writes first
        points = each.exchange.told()
        if len(points) > len(each.record.points):
            # each verdict counts, as if it had been asked for at that validation
            news = range(len(each.record.points) + 1, len(points) + 1)
            verdicts = [self.study.should_stop(each.record.number, points[:count]) for count in news]
            each.record = replace(each.record, points=points)
            self._put(self._timed(each))
            if any(verdicts) and not each.given_up:
                each.given_up = True
                each.exchange.ask_to_stop()
        outcome = each.exchange.outcome()
        if outcome is not None and how is None:
            return  # a moment, until it has cleared up
        if outcome is not None or how is not None:
            self._end(self._timed(each), outcome or Outcome(State.FAILED, reason=how))

    def _end(self, record: Record, outcome: Outcome) -> None:
        self._running.pop(record.number, None)
        record = replace(record, state=outcome.state, value=outcome.value, reason=outcome.reason)
        self._put(record)
        self.study.tell(record)
        say(ended_line(record, best(self.records, lower_is_better=self._lower)))

    def _stop(self, limit: str | None) -> None:
        """Lets all trials save and end; for a limit they have ended, for a signal they go on another time."""
        for each in self._running.values():
            each.handle.stop()
        ends = time.monotonic() + GRACE_S
        while any(each.handle.ended() is None for each in self._running.values()) and time.monotonic() < ends:
            time.sleep(self._poll_s)
        for each in list(self._running.values()):
            each.handle.kill()
            outcome = each.exchange.outcome() or (Outcome(State.PRUNED, reason=limit) if limit else None)
            if outcome is None:
                self._put(self._timed(each))
            else:
                self._end(self._timed(each), outcome)

    def _timed(self, each: Running) -> Record:
        return replace(each.record, seconds=round(each.record.seconds + time.monotonic() - each.began, 3))

    def _put(self, record: Record) -> None:
        self._journal.write(record)
        self._records[record.number] = record
        self._journal.write_seconds(self._seconds())

    def _seconds(self) -> float:
        return self._worked + time.monotonic() - self._since

    def _trial_seconds(self) -> float:
        ended = sum(record.seconds for record in self.records if record.number not in self._running)
        return ended + sum(self._timed(each).seconds for each in self._running.values())

    def best(self) -> Record:
        """The best trial so far.

        Raises:
            TuneError: None is completed.
        """
        return completed_best(self.records, lower_is_better=self._lower)
