"""The feature store of a local root: Parquet files in the offline layout, read with DuckDB.

Not Feast: its newest version needs pandas before 3, which this project and its other packages have left behind. What is
needed of it here, a schema, a history and a point-in-time join, is a query.
"""

import json
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from finetune.errors import FeatureStoreError
from finetune.feature_store.as_of import Wanted, as_of
from finetune.feature_store.group import Group, refuse_other_schema
from finetune.feature_store.moments import LAST
from finetune.feature_store.offline import counts_of, read_history, tables, write_file
from finetune.feature_store.records import Record
from finetune.feature_store.store import Described, Put
from finetune.storage.lock import locked

SCHEMA = "group.json"


class EmbeddedStore:
    """Groups as folders of a folder; see FeatureStore."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder of all groups, which is made when it is needed."""
        self._folder = folder

    def ensure(self, group: Group) -> None:
        """Creates the group, or checks that the one of its name has the same schema."""
        with self._locked(group.name):
            if self._schema(group.name).exists():
                refuse_other_schema(group, self._group(group.name))
                return
            target = self._schema(group.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_suffix(".part")
            part.write_text(json.dumps(group.to_dict(), indent=2) + "\n", encoding="utf-8")
            part.replace(target)

    def groups(self) -> list[str]:
        """Names of all groups, in order."""
        return sorted(path.parent.name for path in self._folder.glob(f"*/{SCHEMA}"))

    def schema(self, name: str) -> Group:
        """Schema of a group."""
        return self._group(name)

    def describe(self, name: str) -> Described:
        """Schema, counts and freshness of a group."""
        group = self._group(name)
        return Described(group, counts_of(group, read_history(group, self._files(name))))

    def put(self, group: Group, records: Sequence[Record]) -> Put:
        """Stores records; a file for each hour of event time appears whole."""
        self._write(group, records, deleted=False)
        return Put(len(records))

    def latest(self, group: Group, identifiers: Sequence[str]) -> list[Record | None]:
        """The newest record of each identifier by event time; None where there is none."""
        return self.at(group, [(identifier, LAST) for identifier in identifiers])

    def at(self, group: Group, wanted: Sequence[Wanted]) -> list[Record | None]:
        """The record of each identifier that held at the given time; None where there was none."""
        refuse_other_schema(group, self._group(group.name))
        history = read_history(group, self._files(group.name), [identifier for identifier, _ in wanted])
        return as_of(group, history, wanted)

    def remove(self, group: Group, identifiers: Sequence[str], event_time: str) -> None:
        """Deletes the records of these identifiers from that time on; what held before stays in the history."""
        nothing: Record = dict.fromkeys(group.features)
        gone = [{**nothing, group.identifier: each, group.event_time: event_time} for each in identifiers]
        self._write(group, gone, deleted=True)

    def drop(self, name: str) -> None:
        """Removes the group with all that it holds."""
        self._group(name)
        with self._locked(name):
            self._schema(name).unlink()
            shutil.rmtree(self._folder / name)

    def _write(self, group: Group, records: Sequence[Record], *, deleted: bool) -> None:
        refuse_other_schema(group, self._group(group.name))
        for path, table in tables(group, records, deleted=deleted):
            write_file(table, self._folder / group.name / path)

    def _files(self, name: str) -> list[Path]:
        return sorted((self._folder / name / "data").glob("*/*/*/*/*.parquet"))

    def _group(self, name: str) -> Group:
        try:
            return Group.from_dict(json.loads(self._schema(name).read_text(encoding="utf-8")))
        except FileNotFoundError:
            known = ", ".join(self.groups()) or "none"
            raise FeatureStoreError(
                f"features.group: there is no group {name} in {self._folder} (groups: {known}); run the experiment "
                f"that fills it, or correct the name"
            ) from None
        except (OSError, ValueError, KeyError) as error:
            raise FeatureStoreError(f"{self._schema(name)} cannot be read: {error!r}; restore it") from error

    def _schema(self, name: str) -> Path:
        return self._folder / name / SCHEMA

    def _locked(self, name: str) -> AbstractContextManager[object]:
        return locked(self._folder / f".{name}.lock", f"feature group {name}")
