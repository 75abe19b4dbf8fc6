"""Things that a region keeps by name, such as models: put there, found, listed, removed, in the service's words."""

import threading
import time
from typing import Any

from rehearsal.errors import ServiceError
from rehearsal.paging import page

Row = dict[str, Any]


class Shelf:
    """What one kind of thing is called: `member` begins the names of its members, `words` are those of its errors."""

    def __init__(self, member: str, words: str) -> None:
        self._member, self._words = member, words
        self._rows: dict[str, Row] = {}
        self._lock = threading.Lock()

    def put(self, request: Row, arn: str) -> Row:
        """Remembers a request as Describe answers it.

        Raises:
            ServiceError: The name is taken.
        """
        name = str(request[f"{self._member}Name"])
        with self._lock:
            if name in self._rows:
                text = f'Cannot create already existing {self._words} "{arn}".'
                raise ServiceError("ValidationException", text)
            told = {member: value for member, value in request.items() if member != "Tags"}
            self._rows[name] = told | {f"{self._member}Arn": arn, "CreationTime": time.time()}
            return self._rows[name]

    def get(self, name: str, arn: str) -> Row:
        """What was put there.

        Raises:
            ServiceError: There is nothing of that name.
        """
        if name not in self._rows:
            raise ServiceError("ValidationException", f'Could not find {self._words} "{arn}".')
        return self._rows[name]

    def remove(self, name: str, arn: str) -> None:
        """Takes it away.

        Raises:
            ServiceError: There is nothing of that name.
        """
        self.get(name, arn)
        with self._lock:
            self._rows.pop(name, None)

    def list(self, request: Row) -> Row:
        """One page of summaries: name, ARN and time."""
        shown = (f"{self._member}Name", f"{self._member}Arn", "CreationTime")
        rows = [{name: row[name] for name in shown} for row in list(self._rows.values())]
        return page(rows, request, f"{self._member}s", name=shown[0])
