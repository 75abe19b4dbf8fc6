"""The hosts of one job: who leads, on which ports they meet, and what each training process must know. Pure."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass

HOSTS, WORK = "FINETUNE_HOSTS", "FINETUNE_WORK"
"""Variables that the leader's step finds: these facts as JSON, and the file that asks the other processes to work."""
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

    def ranks(self, processes: int) -> list[int]:
        """Ranks of this host's training processes, `processes` a host."""
        first = self.names.index(self.current) * processes
        return list(range(first, first + processes))

    def environment(self, rank: int, processes: int) -> dict[str, str]:
        """Variables by which torch.distributed and accelerate know a training process and find the others."""
        return {
            "RANK": str(rank),
            "WORLD_SIZE": str(len(self.names) * processes),
            "LOCAL_RANK": str(rank % processes),
            "LOCAL_WORLD_SIZE": str(processes),
            "MASTER_ADDR": self.leader,
            "MASTER_PORT": str(self.port + 1),
            "GLOO_SOCKET_IFNAME": self.interface,
            "NCCL_SOCKET_IFNAME": self.interface,
        }

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
