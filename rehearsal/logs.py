"""CloudWatch logs of a job: follows the file that a container writes, and sends its lines on."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Together below the 1 MiB that one PutLogEvents takes. AWS keeps longer lines, up to 256 KB.
LONGEST_LINE, MOST_LINES = 10_000, 90


class LogStream:
    """One host's stream. `on_line` sees every line, e.g. to find metrics in it."""

    def __init__(self, client: Any, group: str, stream: str, file: Path, on_line: Callable[[str], None]) -> None:
        self.client, self.group, self.stream, self.file, self.on_line = client, group, stream, file, on_line
        self._read, self._rest = 0, b""
        self._create(client.create_log_group, logGroupName=group)
        self._create(client.create_log_stream, logGroupName=group, logStreamName=stream)

    def pump(self, *, last: bool = False) -> None:
        """Sends the lines that are complete; the last call also sends an incomplete one."""
        with self.file.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        if last and self._rest:
            lines, self._rest = [*lines, self._rest], b""
        self._send([line.decode(errors="replace") for line in lines])

    def _send(self, lines: list[str]) -> None:
        now = int(time.time() * 1000)
        for line in lines:
            self.on_line(line)
        for start in range(0, len(lines), MOST_LINES):
            # An empty message is refused.
            some = [
                {"timestamp": now, "message": line[:LONGEST_LINE] or " "} for line in lines[start : start + MOST_LINES]
            ]
            self.client.put_log_events(logGroupName=self.group, logStreamName=self.stream, logEvents=some)

    def _create(self, call: Callable[..., Any], **names: str) -> None:
        try:
            call(**names)
        except self.client.exceptions.ResourceAlreadyExistsException:
            return
