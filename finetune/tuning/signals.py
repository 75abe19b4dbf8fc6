"""A study that is asked to stop."""

import signal

from finetune.asked import Asked


class StudyStopped(KeyboardInterrupt):
    """The study was asked to stop; its journal and its trials' checkpoints hold what was done."""

    def __init__(self, number: int) -> None:
        """Takes the signal's number."""
        super().__init__(f"tune: stopped by {signal.Signals(number).name}; the study is kept")
        self.number = number


class StopStudy(Asked):
    """As a context, takes Ctrl-C and SIGTERM until the controller looks."""

    def __init__(self, answer: str = "tune: stopping; trials save what they did") -> None:
        """Takes what is said then."""
        super().__init__(answer)

    def check(self) -> None:
        """Raises what stops the study, if somebody has asked.

        Raises:
            StudyStopped: Somebody has.
        """
        if self.number:
            raise StudyStopped(self.number)
