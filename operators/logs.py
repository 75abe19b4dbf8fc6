"""A job's lines in CloudWatch: those that are new, and the last ones."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from operators.transient import is_transient

ENDPOINT = "Endpoint"
NAMED = ("Training", "Processing")
"""Kinds of jobs whose hosts have names that are worth telling."""


class LogTail:
    """Reads a job's lines once each, host by host; lines of hosts but the first have its name in front."""

    def __init__(self, clients: Callable[[str], Any], job: str, kind: str = "Training") -> None:
        """Takes the clients, the job's name, and Training, Processing or Transform; or an endpoint's, and Endpoint."""
        self._clients, self._job, self._kind = clients, job, kind
        own = kind == ENDPOINT  # it has a group of its own
        self._group = f"/aws/sagemaker/Endpoints/{job}" if own else f"/aws/sagemaker/{kind}Jobs"
        self._streams_of_it = {} if own else {"logStreamNamePrefix": f"{job}/"}
        self._tokens: dict[str, str] = {}
        self._refused = False

    def new(self) -> Iterator[str]:
        """The lines that have appeared since the last call. CloudWatch shows a line some seconds after it was printed.

        A service that fails for a moment gives none: they come with the next call. That the log may not be read is
        said once, and is no reason to end a job.
        """
        try:
            for stream in self._streams():
                yield from self._new_of(stream)
        except (ClientError, BotoCoreError) as error:
            if not is_transient(error) and not self._refused:
                self._refused = True
                yield f"the log of {self._job} cannot be read: {error}"

    def last(self, count: int) -> list[str]:
        """The last lines of all hosts together, in order of time."""
        lines: list[tuple[int, str]] = []
        try:
            for stream in self._streams():
                found = self._clients("logs").get_log_events(
                    logGroupName=self._group, logStreamName=stream, limit=count
                )
                lines += [(event["timestamp"], self._line(stream, event)) for event in found["events"]]
        except (ClientError, BotoCoreError) as error:
            return [f"(the log cannot be read: {error})"]
        return [line for _, line in sorted(lines, key=lambda timed: timed[0])][-count:]

    def _streams(self) -> list[str]:
        client = self._clients("logs")
        pages = client.get_paginator("describe_log_streams")
        try:
            found = [
                stream["logStreamName"]
                for page in pages.paginate(logGroupName=self._group, **self._streams_of_it)
                for stream in page["logStreams"]
            ]
        except client.exceptions.ResourceNotFoundException:
            return []  # the account's first job has not printed anything yet
        return sorted(found)

    def _new_of(self, stream: str) -> Iterator[str]:
        while True:
            token = {"nextToken": self._tokens[stream]} if stream in self._tokens else {}
            found = self._clients("logs").get_log_events(
                logGroupName=self._group, logStreamName=stream, startFromHead=True, **token
            )
            yield from (self._line(stream, event) for event in found["events"])
            before, self._tokens[stream] = self._tokens.get(stream), found["nextForwardToken"]
            if before == self._tokens[stream]:
                return

    def _line(self, stream: str, event: dict[str, Any]) -> str:
        host = stream.removeprefix(f"{self._job}/").rsplit("-", 1)[0]
        plain = host == "algo-1" or self._kind not in NAMED
        return str(event["message"]) if plain else f"{host}: {event['message']}"
