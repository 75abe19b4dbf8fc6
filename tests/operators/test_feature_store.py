"""SageMaker's feature store as a rehearsal serves it, behind the interface that the embedded one has."""

import time
from collections.abc import Iterator

import pytest

from finetune.errors import FeatureStoreError
from finetune.feature_store.group import Group, Kind
from finetune.feature_store.moments import LAST, moment
from finetune.feature_store.records import checked
from finetune.feature_store.store import FeatureStore, ingest
from operators.feature_store import SageMakerStore
from operators.put_records import put_records
from rehearsal import Rehearsal
from rehearsal.fixture import rehearsal  # noqa: F401
from tests.finetune.s3_server import environment

GROUP = Group("signals", "id", "at", {"mean": Kind.FRACTIONAL, "beats": Kind.INTEGRAL, "unit": Kind.STRING})
OLD, NEW = moment("2026-01-02"), moment("2026-01-03T05:00")


@pytest.fixture(scope="module")
def store(rehearsal: Rehearsal) -> Iterator[FeatureStore]:  # noqa: F811
    place = f"s3://{rehearsal.settings.bucket}/outputs/feature_store"
    with environment(**rehearsal.environment):
        yield SageMakerStore(place, lambda: rehearsal.settings.role_arn)


def rows(mean: float, at: str, *ids: str) -> list[dict[str, object]]:
    return [{"id": each, "at": at, "mean": mean, "beats": 7, "unit": "mV"} for each in ids]


def offline(store: FeatureStore, name: str, rows: int) -> None:
    """Waits until the offline store has so many rows."""
    while store.describe(name).counts.history < rows:
        time.sleep(0.1)


def test_what_holds_online_is_there_at_once_and_the_past_once_it_is_offline(store: FeatureStore) -> None:
    assert ingest(store, GROUP, rows(1 / 3, OLD, "a", "b")) == (2, 0)
    assert [each and each["mean"] for each in store.at(GROUP, [("a", NEW), ("b", OLD), ("c", NEW)])] == [
        1 / 3,
        1 / 3,
        None,
    ]
    assert ingest(store, GROUP, [*rows(2.0, NEW, "a"), *rows(1 / 3, OLD, "b")]) == (1, 1)
    offline(store, "signals", 3)
    wanted = [("a", OLD), ("a", NEW), ("a", moment("2026-01-01")), ("b", LAST)]
    found = store.at(GROUP, wanted)
    assert [each and each["mean"] for each in found] == [1 / 3, 2.0, None, 1 / 3]
    assert found[0] == {"id": "a", "at": OLD, "mean": 1 / 3, "beats": 7, "unit": "mV"}
    assert store.describe("signals").counts[:3] == (2, 3, NEW)


def test_a_deleted_record_is_gone_from_then_on(store: FeatureStore) -> None:
    group = Group("deleted", *("id", "at"), GROUP.features)
    ingest(store, group, rows(1.0, OLD, "a", "b"))
    store.remove(group, ["a"], NEW)
    assert [each is None for each in store.latest(group, ["a", "b"])] == [True, False]
    offline(store, "deleted", 3)
    assert [each is None for each in store.at(group, [("a", OLD), ("a", NEW)])] == [False, True]
    store.drop("deleted")
    assert "deleted" not in store.groups()
    with pytest.raises(FeatureStoreError, match="there is no feature group deleted in us-east-1"):
        store.describe("deleted")


def test_another_schema_is_refused_with_the_differing_fields(store: FeatureStore) -> None:
    store.ensure(Group("schema", "id", "at", {"mean": Kind.FRACTIONAL}))
    with pytest.raises(FeatureStoreError, match="feature mean is Fractional there, but String here"):
        store.ensure(Group("schema", "id", "at", {"mean": Kind.STRING}))


def test_nothing_is_lost_where_every_tenth_request_is_throttled(store: FeatureStore, rehearsal: Rehearsal) -> None:  # noqa: F811
    group, many = Group("throttled", "id", "at", GROUP.features), [f"record-{number}" for number in range(200)]
    store.ensure(group)
    rehearsal.limit(records_throttled=0.1)
    try:
        assert store.put(group, checked(group, rows(1.0, OLD, *many))).failed == {}
    finally:
        rehearsal.limit(records_throttled=0.0)
    assert None not in store.latest(group, many)


def test_what_aws_refuses_is_told_and_the_rest_is_stored(store: FeatureStore, rehearsal: Rehearsal) -> None:  # noqa: F811
    group = Group("refusing", "id", "at", GROUP.features)
    store.ensure(group)
    good = [{"FeatureName": "id", "ValueAsString": "a"}, {"FeatureName": "at", "ValueAsString": OLD}]
    bad = [*good[:1], {"FeatureName": "at", "ValueAsString": OLD}, {"FeatureName": "beats", "ValueAsString": "many"}]
    client = rehearsal.client("sagemaker-featurestore-runtime")
    failed = put_records(client, "refusing", [bad, good])
    assert list(failed) == [0] and "many of feature beats is not of type Integral" in failed[0]
    assert store.latest(group, ["a"])[0] is not None
