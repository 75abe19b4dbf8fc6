"""What a server does not answer: a whole request, with its HTTP status, or one instance of several."""

from dataclasses import dataclass

from finetune.errors import ServeError


class RequestError(ServeError):
    """A request is refused; the message is for who sent it."""

    def __init__(self, status: int, message: str) -> None:
        """Takes the HTTP status, 4xx or 503."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Rejected:
    """An instance without an answer; the others of its request have theirs."""

    reason: str
