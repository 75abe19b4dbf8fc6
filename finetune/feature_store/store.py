"""What a feature store can do: one small interface, behind which the embedded one and SageMaker's stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from finetune.errors import FeatureStoreError
from finetune.feature_store.as_of import Wanted
from finetune.feature_store.group import Group, refuse_other_schema
from finetune.feature_store.offline import Counts
from finetune.feature_store.records import Record, checked, unlike

SHOWN = 5


class Described(NamedTuple):
    """A group with what it holds."""

    group: Group
    counts: Counts


@dataclass(frozen=True)
class Put:
    """What came of records that were to be stored: none is in neither."""

    stored: int
    failed: dict[str, str] = field(default_factory=dict)
    """Why, by identifier and event time."""


class FeatureStore(Protocol):
    """Groups of one place. Each verb raises a FeatureStoreError that names group and cause."""

    def ensure(self, group: Group) -> None:
        """Creates the group, or checks that the one of its name has the same schema."""

    def groups(self) -> list[str]:
        """Names of all groups, in order."""

    def schema(self, name: str) -> Group:
        """Schema of a group."""

    def describe(self, name: str) -> Described:
        """Schema, counts and freshness of a group."""

    def put(self, group: Group, records: Sequence[Record]) -> Put:
        """Stores records as `checked` gives them."""

    def latest(self, group: Group, identifiers: Sequence[str]) -> list[Record | None]:
        """The newest record of each identifier by event time; None where there is none."""

    def at(self, group: Group, wanted: Sequence[Wanted]) -> list[Record | None]:
        """The record of each identifier that held at the given time; None where there was none."""

    def remove(self, group: Group, identifiers: Sequence[str], event_time: str) -> None:
        """Deletes the records of these identifiers from that time on; what held before stays in the history."""

    def drop(self, name: str) -> None:
        """Removes the group with all that it holds."""


def ingest(store: FeatureStore, group: Group, rows: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Checks rows, creates the group if it is absent, and stores what is not there yet.

    Returns:
        How many were stored, and how many were there.

    Raises:
        FeatureStoreError: A row or the schema does not fit, or records were not stored; it lists them.
    """
    records = checked(group, rows)
    store.ensure(group)
    wanted = [(record[group.identifier], record[group.event_time]) for record in records]
    new = list(unlike(records, store.at(group, wanted)))
    put = store.put(group, new)
    if put.failed:
        first = "".join(f"\n  {key}: {why}" for key, why in list(put.failed.items())[:SHOWN])
        raise FeatureStoreError(
            f"feature group {group.name}: {len(put.failed):,} of {len(new):,} records were not stored; run again, and "
            f"what is there is not stored twice:{first}"
        )
    return put.stored, len(records) - len(new)


def refuse_taken(store: FeatureStore, group: Group) -> None:
    """Refuses a group whose name one with another schema has; says nothing of one that is yet to be created.

    Raises:
        FeatureStoreError: Names the differing fields.
    """
    if group.name in store.groups():
        refuse_other_schema(group, store.schema(group.name))


def key(group: Group, record: Record) -> str:
    """How messages name a record."""
    return f"{record[group.identifier]} at {record[group.event_time]}"
