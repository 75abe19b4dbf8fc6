"""Load on a server: clients that ask one after the other, or at a fixed rate; and what comes of it."""

import http.client
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

HEADERS = {"Content-Type": "application/json"}


class Asked(NamedTuple):
    """A request, and the status that it must get."""

    body: bytes
    headers: dict[str, str]
    status: int = 200


@dataclass
class Load:
    """What came of some load."""

    seconds: float = 0.0
    answered: int = 0
    latencies: list[float] = field(default_factory=list)
    """Seconds from when a request was due to the end of its answer."""
    failures: list[str] = field(default_factory=list)
    """Answers with another status, and connections that broke."""

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the requests was answered."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


def at_once(port: int, requests: Sequence[Asked], clients: int) -> Load:
    """Sends all requests as fast as so many clients get answers."""
    return _load(port, clients, requests, lambda index, started: time.perf_counter())


def at_rate(port: int, requests: Sequence[Asked], per_second: float, seconds: float, clients: int) -> Load:
    """Sends requests in turn at even intervals; one that starts late, since all clients wait, counts from its time."""
    count = int(per_second * seconds)
    endless = [requests[index % len(requests)] for index in range(count)]
    return _load(port, clients, endless, lambda index, started: started + index / per_second)


def _load(port: int, clients: int, requests: Sequence[Asked], due: Callable[[int, float], float]) -> Load:
    load, numbers, lock = Load(), itertools.count(), threading.Lock()
    started = time.perf_counter()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while (index := next(numbers)) < len(requests):
            moment = due(index, started)
            time.sleep(max(moment - time.perf_counter(), 0))
            wrong = _ask(connection, requests[index])
            with lock:
                load.latencies.append(time.perf_counter() - moment)
                load.answered += wrong is None
                load.failures += [wrong] if wrong else []
        connection.close()

    with ThreadPoolExecutor(clients) as pool:
        for each in [pool.submit(client) for _ in range(clients)]:
            each.result()
    load.seconds = time.perf_counter() - started
    return load


def _ask(connection: http.client.HTTPConnection, request: Asked) -> str | None:
    """What is wrong with the answer; None if it is as it must be."""
    try:
        connection.request("POST", "/invocations", request.body, request.headers)
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return repr(error)
    right = answer.status == request.status and (b'"error"' in text) == (request.status != 200)
    return None if right else f"{answer.status} in place of {request.status}: {text[:200]!r}"
