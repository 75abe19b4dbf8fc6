"""What goes wrong in a rehearsal: with the rehearsal itself, or with a request, as AWS would answer it."""

from typing import Any

from finetune.errors import FinetuneError


class RehearsalError(FinetuneError):
    """The rehearsal cannot start, run or stop; the message says what to do."""


class ServiceError(Exception):
    """An error that the service answers to a client: its code, its sentence, the HTTP status and further members."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status, self.members = code, message, status, members


class ClientFault(Exception):
    """The request was accepted, but cannot be carried out: ends a job as Failed with `ClientError: <text>`."""
