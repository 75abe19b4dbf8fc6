"""Feature groups as boto3 uses them: what is refused, what is online, and what the offline store's files hold."""

import io
import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from rehearsal import Rehearsal

NAMES = {"id": "String", "at": "String", "mean": "Fractional", "beats": "Integral"}
OLD, NEW = "2026-01-02T03:00:00Z", "2026-01-02T05:30:00.500Z"


def request(up: Rehearsal, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "FeatureGroupName": name,
        "RecordIdentifierFeatureName": "id",
        "EventTimeFeatureName": "at",
        "FeatureDefinitions": [{"FeatureName": each, "FeatureType": kind} for each, kind in NAMES.items()],
        "OnlineStoreConfig": {"EnableOnlineStore": True},
        "OfflineStoreConfig": {"S3StorageConfig": {"S3Uri": f"s3://{up.settings.bucket}/features"}},
        "RoleArn": up.settings.role_arn,
        **changes,
    }


def created(up: Rehearsal, name: str) -> None:
    client = up.client("sagemaker")
    client.create_feature_group(**request(up, name))
    while client.describe_feature_group(FeatureGroupName=name)["FeatureGroupStatus"] == "Creating":
        time.sleep(0.05)


def record(**values: object) -> list[dict[str, str]]:
    return [{"FeatureName": name, "ValueAsString": str(value)} for name, value in values.items()]


def put(up: Rehearsal, name: str, **values: object) -> None:
    up.client("sagemaker-featurestore-runtime").put_record(FeatureGroupName=name, Record=record(**values))


def offline(up: Rehearsal, name: str, rows: int) -> tuple[list[str], pa.Table]:
    """Keys and rows of the offline store, once there are so many rows."""
    place = up.client("sagemaker").describe_feature_group(FeatureGroupName=name)
    uri = place["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"]
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    s3 = up.client("s3")
    while True:
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
        read = [pq.read_table(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) for key in keys]
        if sum(map(len, read)) >= rows:
            return [key.removeprefix(prefix) for key in keys], pa.concat_tables(read)
        time.sleep(0.1)


def test_the_newest_record_is_online_and_all_are_offline_with_deletions(rehearsal: Rehearsal) -> None:
    created(rehearsal, "history")
    put(rehearsal, "history", id="a", at=NEW, mean=2.5, beats=3)
    put(rehearsal, "history", id="a", at=OLD, mean=1.5)
    put(rehearsal, "history", id="b", at=OLD)
    runtime = rehearsal.client("sagemaker-featurestore-runtime")
    found = runtime.get_record(
        FeatureGroupName="history", RecordIdentifierValueAsString="a", FeatureNames=["mean", "at"]
    )
    assert {each["FeatureName"]: each["ValueAsString"] for each in found["Record"]} == {"mean": "2.5", "at": NEW}
    wanted = [{"FeatureGroupName": "history", "RecordIdentifiersValueAsString": ["b", "c", "a"]}]
    batch = runtime.batch_get_record(Identifiers=wanted)
    assert [each["RecordIdentifierValueAsString"] for each in batch["Records"]] == ["b", "a"]
    runtime.delete_record(FeatureGroupName="history", RecordIdentifierValueAsString="a", EventTime=NEW)
    assert "Record" not in runtime.get_record(FeatureGroupName="history", RecordIdentifierValueAsString="a")
    keys, rows = offline(rehearsal, "history", 4)
    assert {key.rpartition("/")[0] for key in keys} == {
        f"/year=2026/month=01/day=02/hour={hour}" for hour in ("03", "05")
    }
    assert rows.column_names == [*NAMES, "write_time", "api_invocation_time", "is_deleted"]
    said = {tuple(row.values()) for row in rows.select(["id", "at", "mean", "beats", "is_deleted"]).to_pylist()}
    assert said == {
        ("a", NEW, 2.5, 3, False),
        ("a", OLD, 1.5, None, False),
        ("b", OLD, None, None, False),
        ("a", NEW, None, None, True),
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"id": "a"}, "the record has no value for at"),
        ({"at": OLD}, "the record has no value for id"),
        ({"id": "a", "at": "tomorrow"}, "is no ISO 8601 date"),
        ({"id": "a", "at": OLD, "beats": "1.5"}, "1.5 of feature beats is not of type Integral"),
        ({"id": "a", "at": OLD, "colour": "red"}, "colour is not part of the feature group"),
    ],
)
def test_a_record_that_does_not_fit_is_refused(rehearsal: Rehearsal, values: dict[str, str], said: str) -> None:
    if "strict" not in names(rehearsal):
        created(rehearsal, "strict")
    with pytest.raises(ClientError, match=said):
        put(rehearsal, "strict", **values)


def names(up: Rehearsal) -> list[str]:
    found = up.client("sagemaker").list_feature_groups(SortBy="Name", SortOrder="Ascending", MaxResults=100)
    return [each["FeatureGroupName"] for each in found["FeatureGroupSummaries"]]


def test_groups_are_listed_changed_and_deleted_and_a_name_is_taken_once(rehearsal: Rehearsal) -> None:
    client = rehearsal.client("sagemaker")
    created(rehearsal, "short-lived")
    with pytest.raises(ClientError, match="ResourceInUse.*short-lived already exists"):
        client.create_feature_group(**request(rehearsal, "short-lived"))
    added = [{"FeatureName": "std", "FeatureType": "Fractional"}]
    client.update_feature_group(FeatureGroupName="short-lived", FeatureAdditions=added)
    defined = client.describe_feature_group(FeatureGroupName="short-lived")["FeatureDefinitions"]
    assert [each["FeatureName"] for each in defined] == [*NAMES, "std"]
    assert "short-lived" in names(rehearsal)
    client.delete_feature_group(FeatureGroupName="short-lived")
    assert "short-lived" not in names(rehearsal)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        client.describe_feature_group(FeatureGroupName="short-lived")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        put(rehearsal, "short-lived", id="a", at=OLD)


def test_a_request_is_checked_before_anything_is_made(rehearsal: Rehearsal) -> None:
    client = rehearsal.client("sagemaker")
    for wrong, said in (
        ({"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "Could not assume role"),
        ({"EventTimeFeatureName": "when"}, "EventTimeFeatureName when is not among the feature definitions"),
        ({"FeatureGroupName": "under_score_"}, "regular expression pattern"),
    ):
        with pytest.raises(ClientError, match=said):
            client.create_feature_group(**request(rehearsal, "wrong", **wrong) | wrong)
    assert "wrong" not in names(rehearsal)
