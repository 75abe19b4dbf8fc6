"""One object of a transform job: what its request says of it, and the model asked, again where it is at fault."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import urllib3

from finetune.errors import TransformError
from finetune.transform.payloads import MB
from finetune.transform.transformed import Ways, transformed

Invoke = Callable[[bytes, dict[str, str], float], Any]
RETRY_S = 0.2


class BadAnswer(Exception):
    """The model refused, or the data does not fit: `side` is how the job's reason begins."""

    def __init__(self, text: str, *, side: str = "ClientError") -> None:
        super().__init__(text)
        self.side = side


@dataclass(frozen=True)
class Asking:
    """What a request says of each object."""

    ways: Ways
    headers: dict[str, str]
    retries: int
    timeout_s: float

    @classmethod
    def of(cls, request: dict[str, Any]) -> Self:
        """From a request, with the service's defaults."""
        processing, client = request.get("DataProcessing") or {}, request.get("ModelClientConfig") or {}
        given, output = request["TransformInput"], request["TransformOutput"]
        headers = {"Content-Type": given.get("ContentType"), "Accept": output.get("Accept")}
        ways = Ways(
            split=given.get("SplitType", "None") == "Line",
            assemble=output.get("AssembleWith", "None") == "Line",
            single=request.get("BatchStrategy", "MultiRecord") == "SingleRecord",
            most_bytes=request.get("MaxPayloadInMB", 6) * MB or None,
            input_filter=processing.get("InputFilter") or "$",
            output_filter=processing.get("OutputFilter") or "$",
            join=processing.get("JoinSource", "None") == "Input",
        )
        told = {name: value for name, value in headers.items() if value}
        return cls(ways, told, client.get("InvocationsMaxRetries", 3), client.get("InvocationsTimeoutInSeconds", 600))

    def output(self, content: bytes, invoke: Invoke, stopped: Callable[[], bool]) -> bytes | None:
        """The object's output; None if the job is stopped before its end.

        Raises:
            BadAnswer: A record is refused or does not fit.
        """
        try:
            return transformed(content, self.ways, lambda body: self._asked(body, invoke), stopped)
        except TransformError as error:
            raise BadAnswer(str(error)) from error

    def _asked(self, body: bytes, invoke: Invoke) -> bytes:
        said = ""
        for _ in range(self.retries + 1):
            try:
                answer = invoke(body, self.headers, self.timeout_s)
            except urllib3.exceptions.HTTPError as error:
                said = f"the model did not answer: {error}"
            else:
                if 200 <= answer.status < 300:
                    return bytes(answer.data)
                told = answer.data.decode(errors="replace")
                said = f"Bad HTTP status received from algorithm: {answer.status}\n{told}"
                if answer.status < 500:
                    raise BadAnswer(said)
            time.sleep(RETRY_S)
        raise BadAnswer(said, side="AlgorithmError")
