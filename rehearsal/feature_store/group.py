"""One feature group: its request, the online store, and the records that are not in the offline store yet."""

import threading
import time
from typing import Any, NamedTuple

from finetune.feature_store.group import Group, Kind
from finetune.feature_store.moments import moment
from rehearsal.settings import ACCOUNT

Values = dict[str, str]
CREATING_S = 0.5
"""A group takes some seconds until it may be used; here half of one, so that clients wait as they must."""
NAME = "FeatureGroupName"


class Written(NamedTuple):
    """A record, or a deletion, on its way to the offline store."""

    values: Values
    deleted: bool
    invoked: float
    """When the call came, in seconds since 1970."""


class FeatureGroup:
    """Safe to use from several threads."""

    def __init__(self, request: dict[str, Any], arn: str, region: str) -> None:
        self.request, self.arn, self.created = request, arn, time.time()
        self.changed = self.created
        self.pending: list[Written] = []
        self.lock = threading.Lock()
        self._online: dict[str, Values] = {}
        self._times: dict[str, str] = {}
        offline = request.get("OfflineStoreConfig")
        self.place: str | None = None
        if offline:
            base = offline["S3StorageConfig"]["S3Uri"].rstrip("/")
            path = f"{ACCOUNT}/sagemaker/{region}/offline-store/{self.name}-{int(self.created)}"
            self.place = f"{base}/{path}"

    @property
    def name(self) -> str:
        """As the request calls it."""
        return str(self.request[NAME])

    @property
    def is_online(self) -> bool:
        """Whether it has an online store."""
        return bool(self.request.get("OnlineStoreConfig", {}).get("EnableOnlineStore"))

    @property
    def status(self) -> str:
        """Creating, then Created."""
        return "Creating" if time.time() < self.created + CREATING_S else "Created"

    @property
    def identifier(self) -> str:
        """The feature that says whose record it is."""
        return str(self.request["RecordIdentifierFeatureName"])

    @property
    def event_time(self) -> str:
        """The feature that says when."""
        return str(self.request["EventTimeFeatureName"])

    @property
    def types(self) -> dict[str, str]:
        """Type of each feature."""
        return {each["FeatureName"]: each["FeatureType"] for each in self.request["FeatureDefinitions"]}

    @property
    def schema(self) -> Group:
        """What the offline store's files follow."""
        own = (self.identifier, self.event_time)
        others = {name: Kind(kind) for name, kind in self.types.items() if name not in own}
        return Group(self.name, *own, others)

    def put(self, values: Values, *, online: bool, offline: bool) -> None:
        """Keeps a record; online the one of the newest event time counts."""
        with self.lock:
            if online and self._is_newer(values):
                self._online[values[self.identifier]] = values
                self._times[values[self.identifier]] = values[self.event_time]
            if offline:
                self.pending.append(Written(values, False, time.time()))

    def delete(self, identifier: str, at: str, *, online: bool, offline: bool) -> None:
        """Deletes a record from that time on; its history stays."""
        gone = {self.identifier: identifier, self.event_time: at}
        with self.lock:
            if online and self._is_newer(gone):
                self._online.pop(identifier, None)
                self._times[identifier] = at
            if offline:
                self.pending.append(Written(gone, True, time.time()))

    def get(self, identifier: str) -> Values | None:
        """The newest record, if it is not deleted."""
        with self.lock:
            return self._online.get(identifier)

    def take(self) -> list[Written]:
        """What is to be written to the offline store, once."""
        with self.lock:
            taken, self.pending = self.pending, []
        return taken

    def describe(self) -> dict[str, Any]:
        """DescribeFeatureGroup's answer."""
        said = {key: value for key, value in self.request.items() if key != "Tags"}
        if self.place is not None:
            config = said["OfflineStoreConfig"]
            storage = config["S3StorageConfig"] | {"ResolvedOutputS3Uri": f"{self.place}/data"}
            table = f"{self.name}_{int(self.created)}".replace("-", "_").lower()
            catalog = {"TableName": table, "Catalog": "AwsDataCatalog", "Database": "sagemaker_featurestore"}
            said["OfflineStoreConfig"] = {"DataCatalogConfig": catalog} | config | {"S3StorageConfig": storage}
        return {
            **said,
            "FeatureGroupArn": self.arn,
            "CreationTime": self.created,
            "LastModifiedTime": self.changed,
            "FeatureGroupStatus": self.status,
            **({"OfflineStoreStatus": {"Status": "Active"}} if self.place else {}),
        }

    def listed(self) -> dict[str, Any]:
        """Its line in ListFeatureGroups."""
        said = self.describe()
        names = (NAME, "FeatureGroupArn", "CreationTime", "FeatureGroupStatus", "OfflineStoreStatus")
        return {name: said[name] for name in names if name in said}

    def _is_newer(self, values: Values) -> bool:
        known = self._times.get(values[self.identifier])
        return known is None or moment(values[self.event_time]) >= moment(known)
