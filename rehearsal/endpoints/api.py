"""The calls about endpoints and their configurations."""

import threading
import uuid
from collections.abc import Callable
from typing import Any

from rehearsal.account import Account
from rehearsal.endpoints.endpoint import Endpoint
from rehearsal.endpoints.fleet import Fleet
from rehearsal.errors import ServiceError
from rehearsal.jobs.checks import refuse_beyond
from rehearsal.models import Models
from rehearsal.paging import page
from rehearsal.shelf import Shelf
from rehearsal.tags import Tags

Request = dict[str, Any]
NOT_REHEARSED = ("AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants")
NOT_IN_VARIANT = ("ServerlessConfig", "InstancePools", "AcceleratorType", "ManagedInstanceScaling", "CoreDumpConfig")


class Endpoints:
    """Answers them, and knows the endpoints of a region."""

    def __init__(self, account: Account, models: Models, tags: Tags, arn: Callable[[str, str], str]) -> None:
        self._account, self._models, self._tags, self._arn = account, models, tags, arn
        self._configs = Shelf("EndpointConfig", "endpoint configuration")
        self._endpoints: dict[str, Endpoint] = {}
        self._lock = threading.Lock()
        self.calls: dict[str, Callable[[Request], Request]] = {
            "CreateEndpointConfig": self._create_config,
            "DescribeEndpointConfig": lambda request: self._config(request),
            "ListEndpointConfigs": self._configs.list,
            "DeleteEndpointConfig": self._delete_config,
            "CreateEndpoint": self._create,
            "DescribeEndpoint": lambda request: self._endpoint(request).describe(),
            "ListEndpoints": self._list,
            "UpdateEndpoint": self._update,
            "DeleteEndpoint": self._delete,
        }

    def all(self) -> list[Endpoint]:
        """All endpoints."""
        return list(self._endpoints.values())

    def find(self, name: str) -> Endpoint | None:
        """The endpoint, if there is one."""
        return self._endpoints.get(name)

    def _create_config(self, request: Request) -> Request:
        asked = [member for member in NOT_REHEARSED if request.get(member)]
        variants = request["ProductionVariants"]
        asked += [member for variant in variants for member in NOT_IN_VARIANT if variant.get(member)]
        if asked:
            raise _refused(f"{', '.join(asked)}: the rehearsal serves instances of one type for each variant")
        for variant in variants:
            self._models.described(variant.get("ModelName", ""))
            if not variant.get("InstanceType"):
                raise _refused(f"The instance type of variant {variant['VariantName']} must be specified.")
        arn = self._arn("endpoint-config", request["EndpointConfigName"])
        self._configs.put(request, arn)
        self._tags.set(arn, request.get("Tags") or [])
        return {"EndpointConfigArn": arn}

    def _config(self, request: Request) -> Request:
        name = request["EndpointConfigName"]
        return self._configs.get(name, self._arn("endpoint-config", name))

    def _delete_config(self, request: Request) -> Request:
        name = request["EndpointConfigName"]
        self._configs.remove(name, self._arn("endpoint-config", name))
        return {}

    def _create(self, request: Request) -> Request:
        name, config = request["EndpointName"], self._config(request)
        fleet = self._fleet(name, config)
        endpoint = Endpoint(name, self._arn("endpoint", name), config)
        with self._lock:
            if name in self._endpoints:
                raise _refused(f'Cannot create already existing endpoint "{endpoint.arn}".')
            self._check_quotas(config)
            self._endpoints[name] = endpoint
        self._tags.set(endpoint.arn, request.get("Tags") or [])
        endpoint.create(fleet)
        return {"EndpointArn": endpoint.arn}

    def _update(self, request: Request) -> Request:
        endpoint, config = self._endpoint(request), self._config(request)
        endpoint.update(self._fleet(endpoint.name, config), config)
        return {"EndpointArn": endpoint.arn}

    def _delete(self, request: Request) -> Request:
        endpoint = self._endpoint(request)
        endpoint.delete(lambda: self._forget(endpoint.name))
        return {}

    def _forget(self, name: str) -> None:
        with self._lock:
            del self._endpoints[name]

    def _list(self, request: Request) -> Request:
        rows = [endpoint.listed() for endpoint in self.all()]
        return page(rows, request, "Endpoints", name="EndpointName", status="EndpointStatus")

    def _endpoint(self, request: Request) -> Endpoint:
        name = request["EndpointName"]
        found = self.find(name)
        if found is None:
            raise _refused(f'Could not find endpoint "{self._arn("endpoint", name)}".')
        return found

    def _fleet(self, name: str, config: Request) -> Fleet:
        variants = [(variant, self._models.model(variant["ModelName"])) for variant in config["ProductionVariants"]]
        return Fleet(
            self._account, name, variants, self._account.folder / "endpoints" / f"{name}-{uuid.uuid4().hex[:8]}"
        )

    def _check_quotas(self, config: Request) -> None:
        serving = [variant for endpoint in self.all() for variant in endpoint.config["ProductionVariants"]]
        for variant in config["ProductionVariants"]:
            kind, asked = variant["InstanceType"], variant.get("InitialInstanceCount", 1)
            used = sum(each.get("InitialInstanceCount", 1) for each in serving if each["InstanceType"] == kind)
            refuse_beyond(self._account, "endpoint", kind, asked, used)


def _refused(text: str) -> ServiceError:
    return ServiceError("ValidationException", text)
