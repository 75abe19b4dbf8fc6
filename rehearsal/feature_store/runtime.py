"""The calls about records: PutRecord, GetRecord, BatchGetRecord and DeleteRecord, which are REST."""

import json
import random
import time
from typing import Any
from urllib.parse import parse_qs

from rehearsal.errors import ServiceError
from rehearsal.feature_store.api import FeatureGroups
from rehearsal.feature_store.group import FeatureGroup, Values
from rehearsal.feature_store.paths import group_in
from rehearsal.feature_store.records import check_time, values_of
from rehearsal.limits import Limits
from rehearsal.validate import validate
from rehearsal.wire import Environ

SERVICE = "sagemaker-featurestore-runtime"
Request = dict[str, Any]
Answer = dict[str, Any]
_DRAWN = random.Random(0)


def call(groups: FeatureGroups, limits: Limits, operation: str, environ: Environ, body: bytes) -> Answer:
    """Answers one call.

    Raises:
        ServiceError: As AWS answers.
    """
    time.sleep(limits.records_ms / 1000)
    if limits.records_throttled and _DRAWN.random() < limits.records_throttled:
        raise ServiceError("ThrottlingException", "Rate exceeded")
    request = _request(operation, environ, body)
    validate(operation, request, SERVICE)
    if operation == "BatchGetRecord":
        return _batch(groups, request)
    group = _usable(groups, request["FeatureGroupName"])
    stores = _stores(group, request)
    if operation == "PutRecord":
        group.put(values_of(group, request["Record"]), **stores)
    elif operation == "DeleteRecord":
        check_time(group, request["EventTime"])
        group.delete(request["RecordIdentifierValueAsString"], request["EventTime"], **stores)
    else:
        found = _online(group).get(request["RecordIdentifierValueAsString"])
        return {} if found is None else {"Record": _record(found, request.get("FeatureNames"))}
    return {}


def _request(operation: str, environ: Environ, body: bytes) -> Request:
    """What the client's call says, by the names of the API."""
    told: Request = json.loads(body) if body else {}
    if operation == "BatchGetRecord":
        return told
    query = parse_qs(environ.get("QUERY_STRING", ""))
    one = {
        name: query[name][0] for name in ("RecordIdentifierValueAsString", "EventTime", "DeletionMode") if name in query
    }
    many = {
        api: query[name]
        for api, name in (("FeatureNames", "FeatureName"), ("TargetStores", "TargetStores"))
        if name in query
    }
    return {"FeatureGroupName": group_in(environ["PATH_INFO"]), **told, **one, **many}


def _stores(group: FeatureGroup, request: Request) -> dict[str, bool]:
    asked = request.get("TargetStores")
    return {
        "online": group.is_online and (asked is None or "OnlineStore" in asked),
        "offline": group.place is not None and (asked is None or "OfflineStore" in asked),
    }


def _usable(groups: FeatureGroups, name: str) -> FeatureGroup:
    group = groups.group(name)
    if group.status != "Created":
        text = f"Validation Error: FeatureGroup {group.name} is {group.status}, but must be Created."
        raise ServiceError("ValidationException", text)
    return group


def _online(group: FeatureGroup) -> FeatureGroup:
    if not group.is_online:
        text = f"Validation Error: FeatureGroup {group.name} has no online store."
        raise ServiceError("ValidationException", text)
    return group


def _batch(groups: FeatureGroups, request: Request) -> Answer:
    records = []
    for wanted in request["Identifiers"]:
        group = _online(_usable(groups, wanted["FeatureGroupName"]))
        for identifier in wanted["RecordIdentifiersValueAsString"]:
            found = group.get(identifier)
            if found is not None:
                record = _record(found, wanted.get("FeatureNames"))
                named = {"FeatureGroupName": wanted["FeatureGroupName"], "RecordIdentifierValueAsString": identifier}
                records.append({**named, "Record": record})
    return {"Records": records, "Errors": [], "UnprocessedIdentifiers": []}


def _record(values: Values, names: list[str] | None) -> list[dict[str, str]]:
    return [
        {"FeatureName": name, "ValueAsString": value} for name, value in values.items() if not names or name in names
    ]
