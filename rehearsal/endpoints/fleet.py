"""The instances behind one endpoint configuration: started, waited for until they are healthy, and chosen from.

An endpoint that is updated has two of them for a while.
"""

import random
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal.account import Account
from rehearsal.endpoints.instance import Instance
from rehearsal.models import Model

Variant = dict[str, Any]
HEALTH = "ContainerStartupHealthCheckTimeoutInSeconds"
POLL_S = 0.1


@dataclass
class Served:
    """One production variant and its instances; `asked` counts invocations, which go round."""

    settings: Variant
    model: Model
    instances: list[Instance] = field(default_factory=list)
    asked: int = 0

    @property
    def name(self) -> str:
        """The variant's name."""
        return str(self.settings["VariantName"])

    @property
    def weight(self) -> float:
        """Its share of the invocations, before it is divided by that of all."""
        return float(self.settings.get("InitialVariantWeight", 1.0))

    def next(self) -> Instance:
        """The instance that is asked next."""
        self.asked += 1
        return self.instances[self.asked % len(self.instances)]


class Fleet:
    """Containers of all variants."""

    def __init__(self, account: Account, endpoint: str, variants: list[tuple[Variant, Model]], folder: Path) -> None:
        self._account, self._endpoint, self._folder = account, endpoint, folder
        self.variants = [Served(settings, model) for settings, model in variants]

    def start(self) -> None:
        """Starts all containers.

        Raises:
            ClientFault: A model cannot be brought.
        """
        for variant in self.variants:
            for _ in range(variant.settings.get("InitialInstanceCount", 1)):
                instance = f"i-{uuid.uuid4().hex[:17]}"
                log = (log_group(self._endpoint), f"{variant.name}/{instance}")
                made = Instance(self._account, self._endpoint, variant.model, self._folder / instance, log, {})
                variant.instances.append(made)

    def wait(self) -> str | None:
        """Waits until all are healthy; the reason where one does not get so in time, or has ended."""
        began = time.monotonic()
        waiting = [(variant, instance) for variant in self.variants for instance in variant.instances]
        while waiting:
            self.pump()
            waiting = [(variant, instance) for variant, instance in waiting if not instance.is_healthy()]
            for variant, instance in waiting:
                limit = variant.settings.get(HEALTH, self._account.settings.health_s)
                if instance.has_ended() or time.monotonic() - began > limit:
                    return (
                        f"The primary container for production variant {variant.name} did not pass the ping health "
                        "check. Please check CloudWatch logs for this endpoint."
                    )
            time.sleep(POLL_S)
        return None

    def choose(self, target: str | None) -> Served | None:
        """The variant of that name, or one by weight; None where there is none of that name."""
        named = [variant for variant in self.variants if target in (None, variant.name)]
        weights = [variant.weight for variant in named]
        if not named:
            return None
        return random.choices(named, weights if any(weights) else None)[0]

    def pump(self) -> None:
        """Sends new lines of all containers to CloudWatch."""
        for variant in self.variants:
            for instance in variant.instances:
                instance.pump()

    def end(self) -> None:
        """Ends all containers."""
        for variant in self.variants:
            for instance in variant.instances:
                instance.end()

    def described(self) -> list[dict[str, Any]]:
        """ProductionVariants, as DescribeEndpoint answers."""
        return [
            {
                "VariantName": variant.name,
                "DeployedImages": [
                    {
                        "SpecifiedImage": variant.model.uri,
                        "ResolvedImage": variant.model.uri,
                        "ResolutionTime": time.time(),
                    }
                ],
                "CurrentWeight": variant.weight,
                "DesiredWeight": variant.weight,
                "CurrentInstanceCount": len(variant.instances),
                "DesiredInstanceCount": len(variant.instances),
            }
            for variant in self.variants
        ]


def log_group(endpoint: str) -> str:
    """The CloudWatch log group of an endpoint."""
    return f"/aws/sagemaker/Endpoints/{endpoint}"
