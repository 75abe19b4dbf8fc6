"""SageMaker Feature Store behind the small interface of finetune/feature_store: online and offline, by boto3."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from finetune.errors import ComputeError, FeatureStoreError
from finetune.feature_store.as_of import Wanted, as_of
from finetune.feature_store.group import Group, Kind, refuse_other_schema
from finetune.feature_store.moments import LAST, moment
from finetune.feature_store.offline import counts_of, needed, read_history
from finetune.feature_store.records import Record
from finetune.feature_store.store import Described, Put, key
from finetune.storage.options import options
from finetune.storage.session import session_maker
from finetune.storage.storage import storage_of
from finetune.storage.uri import join
from operators.put_records import THREADS, AwsRecord, put_records
from operators.transient import aws_errors

ABSENT = ("ResourceNotFound", "ResourceNotFoundException")
AT_ONCE = 100
"""Identifiers of one BatchGetRecord, at most."""
POLL_S, LONGEST_S = 0.5, 300.0
READ: dict[Kind, Callable[[str], object]] = {Kind.STRING: str, Kind.INTEGRAL: int, Kind.FRACTIONAL: float}


class SageMakerStore:
    """Groups of an AWS account; see FeatureStore."""

    def __init__(self, place: str, role: Callable[[], str]) -> None:
        """Takes the prefix in S3 of the offline stores, and what gives the role with which a group writes there."""
        self._place, self._role = place, role
        config = Config(retries={"mode": "standard", "max_attempts": 8}, max_pool_connections=2 * THREADS)
        session, region = session_maker()(), os.environ.get("AWS_REGION")
        self._groups = session.client("sagemaker", region_name=region, config=config)
        self._records = session.client("sagemaker-featurestore-runtime", region_name=region, config=config)

    def ensure(self, group: Group) -> None:
        """Creates the group, or checks that the one of its name has the same schema."""
        there = self._described(group.name)
        if there is None:
            with _errors(f"creating feature group {group.name}"):
                self._groups.create_feature_group(**self._request(group))
            there = self._described(group.name)
        ends = time.monotonic() + LONGEST_S
        while there is not None and there["FeatureGroupStatus"] == "Creating" and time.monotonic() < ends:
            time.sleep(POLL_S)
            there = self._described(group.name)
        if there is None or there["FeatureGroupStatus"] != "Created":
            why = "is gone" if there is None else f"{there['FeatureGroupStatus']}: {there.get('FailureReason', '')}"
            raise FeatureStoreError(f"feature group {group.name} was not created: {why}; look at it in SageMaker")
        refuse_other_schema(group, _group(there))

    def groups(self) -> list[str]:
        """Names of the groups whose offline store is of this place, in order."""
        with _errors("listing feature groups"):
            pages = self._groups.get_paginator("list_feature_groups").paginate()
            names = sorted(each["FeatureGroupName"] for page in pages for each in page["FeatureGroupSummaries"])
        described = [self._described(name) or {} for name in names]
        places = [each.get("OfflineStoreConfig", {}).get("S3StorageConfig", {}).get("S3Uri") for each in described]
        return [name for name, place in zip(names, places, strict=True) if place == self._place]

    def schema(self, name: str) -> Group:
        """Schema of a group."""
        return _group(self._found(name))

    def describe(self, name: str) -> Described:
        """Schema, and counts and freshness as the offline store has them: in AWS some minutes late."""
        found = self._found(name)
        with self._files(found, LAST) as files:
            return Described(_group(found), counts_of(_group(found), read_history(_group(found), files)))

    def put(self, group: Group, records: Sequence[Record]) -> Put:
        """Stores records; those that AWS does not take are told."""
        failed = put_records(self._records, group.name, [_aws(record) for record in records])
        told = {key(group, records[number]): why for number, why in failed.items()}
        return Put(len(records) - len(failed), told)

    def latest(self, group: Group, identifiers: Sequence[str]) -> list[Record | None]:
        """The newest record of each identifier by event time; None where there is none."""
        wanted = list(dict.fromkeys(identifiers))
        parts = [wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE)]
        with ThreadPoolExecutor(THREADS) as pool:
            batches = pool.map(lambda part: self._batch(group, part), parts)
            found = {name: record for batch in batches for name, record in batch}
        return [found.get(identifier) for identifier in identifiers]

    def at(self, group: Group, wanted: Sequence[Wanted]) -> list[Record | None]:
        """The record of each identifier that held at the given time; None where there was none.

        Where the online record is not from after that time, it is the one. All others are told by the offline store,
        which in AWS is some minutes late.
        """
        there = self._found(group.name)
        refuse_other_schema(group, _group(there))
        records = self.latest(group, [identifier for identifier, _ in wanted])
        late = [
            number
            for number, (record, (_, time_)) in enumerate(zip(records, wanted, strict=True))
            if record is None or record[group.event_time] > time_
        ]
        if late:
            asked = [wanted[number] for number in late]
            with self._files(there, max(time_ for _, time_ in asked)) as files:
                history = read_history(group, files, [identifier for identifier, _ in asked])
                for number, record in zip(late, as_of(group, history, asked), strict=True):
                    records[number] = record
        return records

    def remove(self, group: Group, identifiers: Sequence[str], event_time: str) -> None:
        """Deletes the records of these identifiers from that time on; what held before stays in the history."""

        def delete(identifier: str) -> None:
            self._records.delete_record(
                FeatureGroupName=group.name, RecordIdentifierValueAsString=identifier, EventTime=event_time
            )

        with _errors(f"deleting records of feature group {group.name}"), ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(delete, identifiers))

    def drop(self, name: str) -> None:
        """Removes the group with all that it holds, its offline store too."""
        place = _offline(self._found(name))
        with _errors(f"deleting feature group {name}"):
            self._groups.delete_feature_group(FeatureGroupName=name)
        storage_of(place).delete_below(place)

    def _batch(self, group: Group, identifiers: Sequence[str]) -> list[tuple[str, Record]]:
        """The records of at most a hundred identifiers; what AWS did not come to is asked for again."""
        found, left = list[tuple[str, Record]](), list(identifiers)
        with _errors(f"reading feature group {group.name}"):
            while left:
                asked = [{"FeatureGroupName": group.name, "RecordIdentifiersValueAsString": left}]
                answer = self._records.batch_get_record(Identifiers=asked)
                for each in answer["Records"]:
                    found.append((each["RecordIdentifierValueAsString"], _record(group, each["Record"])))
                if answer["Errors"]:
                    wrong = answer["Errors"][0]
                    raise FeatureStoreError(
                        f"feature group {group.name}: {wrong['ErrorCode']}: {wrong['ErrorMessage']}"
                    )
                unread = answer["UnprocessedIdentifiers"]
                left = [name for each in unread for name in each["RecordIdentifiersValueAsString"]]
        return found

    def _request(self, group: Group) -> dict[str, Any]:
        kms = options().kms_key
        offline = {"S3Uri": self._place, **({"KmsKeyId": kms} if kms else {})}
        online = {"EnableOnlineStore": True, **({"SecurityConfig": {"KmsKeyId": kms}} if kms else {})}
        return {
            "FeatureGroupName": group.name,
            "RecordIdentifierFeatureName": group.identifier,
            "EventTimeFeatureName": group.event_time,
            "FeatureDefinitions": [
                {"FeatureName": name, "FeatureType": str(kind)} for name, kind in group.definitions.items()
            ],
            "OnlineStoreConfig": online,
            "OfflineStoreConfig": {"S3StorageConfig": offline},
            "RoleArn": self._role(),
        }

    def _found(self, name: str) -> dict[str, Any]:
        found = self._described(name)
        if found is None:
            raise FeatureStoreError(
                f"features.group: there is no feature group {name} in {self._groups.meta.region_name}; run the "
                f"experiment that fills it, or correct the name (python run.py features lists those of a root)"
            )
        return found

    def _described(self, name: str) -> dict[str, Any] | None:
        with _errors(f"asking for feature group {name}"):
            try:
                return dict(self._groups.describe_feature_group(FeatureGroupName=name))
            except ClientError as error:
                if error.response["Error"]["Code"] in ABSENT:
                    return None
                raise

    @contextmanager
    def _files(self, described: dict[str, Any], until: str) -> Iterator[list[Path]]:
        """The offline store's files with records up to a moment, on this machine as long as they are read."""
        place = _offline(described)
        storage = storage_of(place)
        names = needed(storage.below(place), until)
        with tempfile.TemporaryDirectory(prefix="features-") as folder, ThreadPoolExecutor(THREADS) as pool:
            files = [Path(folder, f"{number}.parquet") for number in range(len(names))]
            list(pool.map(lambda name, file: storage.fetch(join(place, name), file), names, files))
            yield files


def _group(described: dict[str, Any]) -> Group:
    """The schema of a group as AWS describes it."""
    kinds = {each["FeatureName"]: each["FeatureType"] for each in described["FeatureDefinitions"]}
    own = (described["RecordIdentifierFeatureName"], described["EventTimeFeatureName"])
    name = described["FeatureGroupName"]
    for each in own:
        if kinds[each] != Kind.STRING:
            raise FeatureStoreError(f"feature group {name}: {each} must be of type String here, but is {kinds[each]}")
    return Group(name, *own, {each: Kind(kind) for each, kind in kinds.items() if each not in own})


def _offline(described: dict[str, Any]) -> str:
    """Where the offline store's data lie."""
    config = described.get("OfflineStoreConfig")
    if config is None:
        raise FeatureStoreError(f"feature group {described['FeatureGroupName']} has no offline store, so no history")
    return str(config["S3StorageConfig"]["ResolvedOutputS3Uri"])


def _aws(record: Record) -> AwsRecord:
    return [{"FeatureName": name, "ValueAsString": _text(value)} for name, value in record.items() if value is not None]


def _text(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _record(group: Group, told: AwsRecord) -> Record:
    values = {each["FeatureName"]: each["ValueAsString"] for each in told}
    found: Record = {
        name: READ[kind](values[name]) if name in values else None for name, kind in group.definitions.items()
    }
    return {**found, group.event_time: moment(found[group.event_time])}


@contextmanager
def _errors(what: str) -> Iterator[None]:
    try:
        with aws_errors(what):
            yield
    except ComputeError as error:
        raise FeatureStoreError(str(error)) from error
