"""The hosts of one job: who leads, on which ports they meet, and how they reach each other. Pure."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass

HOSTS = "FINETUNE_HOSTS"
"""Variable in which the programs of a job find these facts, as JSON."""
JOIN_S = 600
"""Seconds until all hosts must have called, and all their processes met."""
_FIRST_PORT, _PORTS = 20_000, 5_000


@dataclass(frozen=True)
class Hosts:
    """Names in the platform's order; the first one leads."""

    names: tuple[str, ...]
    current: str
    interface: str
    """Name of the network interface that reaches the others."""
    port: int
    """The leader's port for messages; training processes meet at the next one."""

    @property
    def leader(self) -> str:
        """The host that runs the step and publishes its result."""
        return self.names[0]

    @property
    def leads(self) -> bool:
        """Whether this host is it."""
        return self.current == self.leader

    def to_json(self) -> str:
        """For the variable FINETUNE_HOSTS."""
        return json.dumps(asdict(self))


def parse_hosts(resourceconfig: str, job: str) -> Hosts:
    """The facts in SageMaker's resourceconfig.json; the job's name decides the ports, so that all hosts agree."""
    config = json.loads(resourceconfig)
    number = int.from_bytes(hashlib.sha256(job.encode()).digest()[:4]) % _PORTS
    return Hosts(
        names=tuple(config["hosts"]),
        current=config["current_host"],
        interface=config.get("network_interface_name", "eth0"),
        port=_FIRST_PORT + 2 * number,
    )


def hosts_of(environment: Mapping[str, str] = os.environ) -> Hosts | None:
    """The facts that the launcher left; None where the step was not started by it."""
    text = environment.get(HOSTS)
    if text is None:
        return None
    values = json.loads(text)
    return Hosts(**{**values, "names": tuple(values["names"])})
