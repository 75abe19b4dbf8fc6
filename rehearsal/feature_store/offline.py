"""Writes what groups were given to their offline store, every now and then: AWS takes up to 15 minutes."""

import io
import logging
import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pyarrow.parquet as pq

from finetune.feature_store.group import Kind
from finetune.feature_store.offline import tables
from rehearsal.account import Account
from rehearsal.feature_store.group import FeatureGroup, Written
from rehearsal.uri import split

READ: dict[Kind, Any] = {Kind.STRING: str, Kind.INTEGRAL: int, Kind.FRACTIONAL: float}


class OfflineStore:
    """One thread writes for all groups of a region."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._groups: list[FeatureGroup] = []
        self._started = False

    def follow(self, group: FeatureGroup) -> None:
        """From now on what this group is given is written."""
        self._groups.append(group)
        if not self._started:
            self._started = True
            threading.Thread(target=self._work, name="offline-store", daemon=True).start()

    def leave(self, group: FeatureGroup) -> None:
        """Writes the rest of a group that is deleted."""
        if group in self._groups:
            self._groups.remove(group)
            self.write(group)

    def _work(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self._account.settings.sync_s)
            for group in list(self._groups):
                try:
                    self.write(group)
                except Exception:  # one that AWS could not write to, such as a bucket that is gone, stops no other
                    logging.exception("the offline store of %s", group.name)

    def write(self, group: FeatureGroup) -> None:
        """Writes what is pending of a group."""
        by_kind: defaultdict[bool, list[Written]] = defaultdict(list)
        for written in group.take():
            by_kind[written.deleted].append(written)
        for deleted, all_written in by_kind.items():
            self._write(group, all_written, deleted)

    def _write(self, group: FeatureGroup, written: Iterable[Written], deleted: bool) -> None:
        schema = group.schema
        records = []
        for each in written:
            values = {
                name: READ[kind](each.values[name]) for name, kind in schema.definitions.items() if name in each.values
            }
            at = datetime.fromtimestamp(each.invoked, UTC).replace(tzinfo=None)
            records.append({**dict.fromkeys(schema.definitions), **values, "api_invocation_time": at})
        for path, table in tables(schema, records, deleted=deleted):
            content = io.BytesIO()
            pq.write_table(table, content, compression="snappy")
            bucket, key = split(f"{group.place}/{path}")
            self._account.storage.client.put_object(Bucket=bucket, Key=key, Body=content.getvalue())
