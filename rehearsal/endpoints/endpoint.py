"""One endpoint: created, updated and deleted by threads of its own, while Describe tells how far it is."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from rehearsal.endpoints.fleet import Fleet
from rehearsal.errors import ClientFault, ServiceError

Row = dict[str, Any]
CHANGING = ("Creating", "Updating", "Deleting")
PUMP_S = 0.3


class Endpoint:
    """An endpoint from its creation to its end. Safe to use from several threads."""

    def __init__(self, name: str, arn: str, config: Row) -> None:
        self.name, self.arn, self.config = name, arn, config
        self.status, self.reason = "Creating", ""
        self.fleet: Fleet | None = None
        self._created = self._modified = time.time()
        self._lock = threading.RLock()

    def describe(self) -> Row:
        """What Describe answers."""
        with self._lock:
            told: Row = self.listed() | {"EndpointConfigName": self.config["EndpointConfigName"]}
            if self.fleet is not None:
                told["ProductionVariants"] = self.fleet.described()
            if self.reason:
                told["FailureReason"] = self.reason[:1024]
            capture = self.config.get("DataCaptureConfig")
            if capture:
                told["DataCaptureConfig"] = {
                    "EnableCapture": capture.get("EnableCapture", False),
                    "CaptureStatus": "Started",
                    "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
                    "DestinationS3Uri": capture["DestinationS3Uri"],
                    "KmsKeyId": capture.get("KmsKeyId", ""),
                }
            return told

    def listed(self) -> Row:
        """What List answers."""
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointStatus": self.status,
            "CreationTime": self._created,
            "LastModifiedTime": self._modified,
        }

    def create(self, fleet: Fleet) -> None:
        """Brings the containers up: InService, or Failed with the reason."""
        self._in_thread(lambda: self._bring_up(fleet, self.config, "Failed"))

    def update(self, fleet: Fleet, config: Row) -> None:
        """Brings other containers up and lets them take over; where they do not get healthy, the old ones stay.

        Raises:
            ServiceError: It is being changed.
        """
        self._enter("Updating")
        self._in_thread(lambda: self._bring_up(fleet, config, "InService"))

    def delete(self, ended: Callable[[], None]) -> None:
        """Ends its containers, and calls `ended`.

        Raises:
            ServiceError: It is being changed.
        """
        self._enter("Deleting")

        def work() -> None:
            if self.fleet is not None:
                self.fleet.end()
            ended()

        self._in_thread(work)

    def _enter(self, status: str) -> None:
        with self._lock:
            if self.status in CHANGING:
                raise ServiceError("ValidationException", f'Cannot update in-progress endpoint "{self.arn}".')
            self.status, self._modified = status, time.time()

    def _bring_up(self, fleet: Fleet, config: Row, otherwise: str) -> None:
        reason: str | None
        try:
            fleet.start()
            reason = fleet.wait()
        except ClientFault as fault:
            reason = str(fault)
        except Exception as error:
            logging.exception("endpoint %s", self.name)
            reason = f"InternalServerError: {error}"
        if reason is not None:
            fleet.end()  # first: who sees the status finds the last lines in the log
            self._become(otherwise, reason)
            return
        before, self.fleet, self.config = self.fleet, fleet, config
        self._become("InService", "")
        if before is not None:
            before.end()
        self._pump(fleet)

    def _become(self, status: str, reason: str) -> None:
        with self._lock:
            self.status, self.reason, self._modified = status, reason, time.time()

    def _pump(self, fleet: Fleet) -> None:
        """Sends its lines on for as long as these containers serve."""
        while self.fleet is fleet and self.status != "Deleting":
            fleet.pump()
            time.sleep(PUMP_S)

    def _in_thread(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name=self.name, daemon=True).start()
