"""The calls about feature groups."""

import threading
from collections.abc import Callable
from typing import Any

from rehearsal.account import Account
from rehearsal.errors import ServiceError
from rehearsal.feature_store.group import NAME, FeatureGroup
from rehearsal.feature_store.offline import OfflineStore
from rehearsal.paging import page
from rehearsal.tags import Tags

Request = dict[str, Any]
Answer = dict[str, Any]


class FeatureGroups:
    """The feature groups of one region."""

    def __init__(self, account: Account, tags: Tags, region: str, arn: Callable[[str, str], str]) -> None:
        self._account, self._tags, self._region, self._arn = account, tags, region, arn
        self._groups: dict[str, FeatureGroup] = {}
        self._offline = OfflineStore(account)
        self._lock = threading.Lock()
        self.calls: dict[str, Callable[[Request], Answer]] = {
            "CreateFeatureGroup": self.create,
            "DescribeFeatureGroup": lambda request: self.group(request[NAME]).describe(),
            "ListFeatureGroups": self.list,
            "UpdateFeatureGroup": self.update,
            "DeleteFeatureGroup": self.delete,
        }

    def group(self, name: str) -> FeatureGroup:
        """The group of that name, or ARN.

        Raises:
            ServiceError: There is none.
        """
        found = self._groups.get(name.rpartition("/")[2])
        if found is None:
            raise ServiceError("ResourceNotFound", f"Resource Not Found: FeatureGroup {name} does not exist.", 404)
        return found

    def create(self, request: Request) -> Answer:
        """CreateFeatureGroup."""
        _check(request)
        if "OfflineStoreConfig" in request:
            self._account.check_role(request.get("RoleArn", ""))
        group = FeatureGroup(request, self._arn("feature-group", request[NAME]), self._region)
        with self._lock:
            if group.name in self._groups:
                text = f"Resource Already Exists: FeatureGroup with name {group.name} already exists."
                raise ServiceError("ResourceInUse", text)
            self._groups[group.name] = group
        self._tags.set(group.arn, request.get("Tags") or [])
        if group.place is not None:
            self._offline.follow(group)
        return {"FeatureGroupArn": group.arn}

    def list(self, request: Request) -> Answer:
        """ListFeatureGroups."""
        wanted = {"StatusEquals": request["FeatureGroupStatusEquals"]} if "FeatureGroupStatusEquals" in request else {}
        rows = [group.listed() for group in list(self._groups.values())]
        asked = {**request, **wanted}
        return page(rows, asked, "FeatureGroupSummaries", name=NAME, status="FeatureGroupStatus")

    def update(self, request: Request) -> Answer:
        """UpdateFeatureGroup: features may be added, and no other change is kept."""
        group = self.group(request[NAME])
        added = request.get("FeatureAdditions", [])
        there = sorted({each["FeatureName"] for each in added} & group.types.keys())
        if there:
            raise ServiceError("ValidationException", f"Validation Error: feature {there[0]} is there already")
        group.request = {**group.request, "FeatureDefinitions": [*group.request["FeatureDefinitions"], *added]}
        return {"FeatureGroupArn": group.arn}

    def delete(self, request: Request) -> Answer:
        """DeleteFeatureGroup: the offline store's files stay, as on AWS."""
        group = self.group(request[NAME])
        with self._lock:
            self._groups.pop(group.name)
        self._offline.leave(group)
        return {}


def _check(request: Request) -> None:
    types = {each["FeatureName"]: each["FeatureType"] for each in request["FeatureDefinitions"]}
    for member in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if request[member] not in types:
            raise _refused(f"{member} {request[member]} is not among the feature definitions")
        if types[request[member]] != "String":
            raise _refused(f"a rehearsal takes String for {member}, but got {types[request[member]]}")
    if len(types) < len(request["FeatureDefinitions"]):
        raise _refused("feature names must be unique")
    online = request.get("OnlineStoreConfig", {}).get("EnableOnlineStore")
    if not online and "OfflineStoreConfig" not in request:
        raise _refused("at least one of OnlineStoreConfig and OfflineStoreConfig must be given")


def _refused(text: str) -> ServiceError:
    return ServiceError("ValidationException", f"Validation Error: {text}.")
