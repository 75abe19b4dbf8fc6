"""SageMaker's Model Registry: package groups, their packages and approvals. Packages without a group are moto's."""

import threading
import time
from collections.abc import Callable
from typing import Any

from rehearsal.account import Account
from rehearsal.errors import ServiceError
from rehearsal.images import find_image
from rehearsal.paging import page
from rehearsal.tags import Tags
from rehearsal.uri import split

Request = dict[str, Any]
PENDING = "PendingManualApproval"
GROUP, PACKAGE = "ModelPackageGroup", "ModelPackage"
SUMMARY = ("GroupName", "Version", "Arn", "Description", "Status")
GONE = "{} {} does not exist."
PROPERTIES = "CustomerMetadataProperties"


class Packages:
    """The calls about groups and their packages, and what they remember."""

    def __init__(self, account: Account, tags: Tags, arn: Callable[[str, str], str]) -> None:
        self._account, self._tags, self._arn = account, tags, arn
        self._groups: dict[str, Request] = {}
        self._packages: dict[str, Request] = {}
        self._lock = threading.Lock()
        self.calls: dict[str, Callable[[Request], Request]] = {
            "CreateModelPackageGroup": self._create_group,
            "DescribeModelPackageGroup": lambda request: self._group(request["ModelPackageGroupName"]),
            "ListModelPackageGroups": self._list_groups,
            "DeleteModelPackageGroup": self._delete_group,
            "CreateModelPackage": self._create,
            "DescribeModelPackage": lambda request: self._package(request["ModelPackageName"]),
            "ListModelPackages": self._list,
            "UpdateModelPackage": self._update,
            "DeleteModelPackage": self._delete,
        }

    def answers(self, operation: str, request: Request) -> bool:
        """Whether a call is about a package of a group, or about a group."""
        if operation in ("CreateModelPackage", "ListModelPackages"):
            return "ModelPackageGroupName" in request
        named = request.get("ModelPackageArn") or request.get("ModelPackageName")
        return operation in self.calls and (named is None or "/" in named)

    def _create_group(self, request: Request) -> Request:
        name = request["ModelPackageGroupName"]
        arn = self._arn("model-package-group", name)
        with self._lock:
            if name in self._groups:
                raise _refused(f"Model Package Group already exists: {arn}")
            told = {member: value for member, value in request.items() if member != "Tags"}
            self._groups[name] = told | {f"{GROUP}Arn": arn, "CreationTime": time.time(), f"{GROUP}Status": "Completed"}
        self._tags.set(arn, request.get("Tags") or [])
        return {f"{GROUP}Arn": arn}

    def _list_groups(self, request: Request) -> Request:
        return page(list(self._groups.values()), request, f"{GROUP}SummaryList", name=f"{GROUP}Name")

    def _delete_group(self, request: Request) -> Request:
        name = _last(request["ModelPackageGroupName"])
        self._group(name)
        if self._of(name):
            raise _refused("Cannot delete model package group with non-empty model packages.")
        del self._groups[name]
        return {}

    def _create(self, request: Request) -> Request:
        group, token = _last(request["ModelPackageGroupName"]), request.get("ClientToken")
        self._group(group)
        self._check(request)
        with self._lock:
            there = self._of(group)
            known = next((each for each in there if token is not None and each.get("ClientToken") == token), None)
            if known is not None:
                return {f"{PACKAGE}Arn": known[f"{PACKAGE}Arn"]}
            version = max((each[f"{PACKAGE}Version"] for each in there), default=0) + 1
            arn = self._arn("model-package", f"{group.lower()}/{version}")
            told = {member: value for member, value in request.items() if member != "Tags"}
            self._packages[arn] = {
                "ModelApprovalStatus": PENDING,
                **told,
                f"{GROUP}Name": group,
                f"{PACKAGE}Version": version,
                f"{PACKAGE}Arn": arn,
                f"{PACKAGE}Status": "Completed",
                f"{PACKAGE}StatusDetails": {"ValidationStatuses": []},
                "CreationTime": time.time(),
            }
        self._tags.set(arn, request.get("Tags") or [])
        return {f"{PACKAGE}Arn": arn}

    def _check(self, request: Request) -> None:
        """What AWS looks for when a package is created: each container's image and model data."""
        for container in request.get("InferenceSpecification", {}).get("Containers", []):
            uri, data = container.get("Image", ""), container.get("ModelDataUrl")
            if find_image(self._account.settings.images, uri) is None:
                raise _refused(f"Cannot find the requested image: {uri}")
            if data is not None and split(data)[1] not in self._account.storage.keys(data):
                raise _refused(f"Could not find model data at {data}.")

    def _list(self, request: Request) -> Request:
        group = _last(request["ModelPackageGroupName"])
        self._group(group)
        wanted = request.get("ModelApprovalStatus")
        members = (*(f"{PACKAGE}{each}" for each in SUMMARY), "ModelApprovalStatus", "CreationTime")
        rows = [
            {member: row[member] for member in members if member in row}
            for row in self._of(group)
            if wanted in (None, row["ModelApprovalStatus"])
        ]
        return page(rows, request, f"{PACKAGE}SummaryList", name=f"{PACKAGE}Arn")

    def _update(self, request: Request) -> Request:
        package = self._package(request["ModelPackageArn"])
        with self._lock:
            kept = {**package.get(PROPERTIES, {}), **request.get(PROPERTIES, {})}
            for name in request.get(f"{PROPERTIES}ToRemove", []):
                kept.pop(name, None)
            told = ("ModelApprovalStatus", "ApprovalDescription")
            package |= {member: request[member] for member in told if member in request}
            package |= {"LastModifiedTime": time.time(), **({PROPERTIES: kept} if kept else {})}
        return {f"{PACKAGE}Arn": package[f"{PACKAGE}Arn"]}

    def _delete(self, request: Request) -> Request:
        del self._packages[self._package(request["ModelPackageName"])[f"{PACKAGE}Arn"]]
        return {}

    def _of(self, group: str) -> list[Request]:
        return [each for each in self._packages.values() if each[f"{GROUP}Name"] == group]

    def _group(self, name: str) -> Request:
        found = self._groups.get(_last(name))
        if found is None:
            raise _refused(GONE.format(GROUP, self._arn("model-package-group", _last(name))))
        return found

    def _package(self, name: str) -> Request:
        arn = name if name.startswith("arn:") else self._arn("model-package", name.lower())
        if arn not in self._packages:
            raise _refused(GONE.format(PACKAGE, arn))
        return self._packages[arn]


def _last(name: str) -> str:
    """The name of a group that is named by its ARN."""
    return name.rpartition("/")[2]


def _refused(text: str) -> ServiceError:
    return ServiceError("ValidationException", text)
