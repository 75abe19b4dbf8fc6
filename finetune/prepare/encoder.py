"""Calls encode_data for a batch of ids, and checks what it gives: the features that were promised, row by row."""

import difflib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from datasets.arrow_writer import TypedSequence

from finetune.calls import Given, missing_key, raised
from finetune.errors import FinetuneError, PrepareError, UnreadableError
from finetune.prepare.columns import GUID, OWN_COLUMNS, TRUNCATED
from finetune.prepare.ticks import tick
from finetune.prepare.watched import call_with
from finetune.storage.storage import storage_of
from finetune.storage.uri import Place, join

EncodeData = Callable[[dict[str, str], dict[str, int] | None, dict[str, Any]], Any]
Batch = dict[str, list[Any]]

MEND = (
    "mend functions.py, or the file in production (not its copy), or let encode_data return None to leave such ids out"
)
_MISFITS = (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError, KeyError)
"""What a conversion to Arrow raises for values of another type."""


class Encoder:
    """Encodes one batch of ids; picklable, so that it travels to the processes of `map`."""

    def __init__(
        self,
        encode_data: EncodeData,
        features: Mapping[str, Any],
        label2id: Mapping[str, int] | None,
        model: Mapping[str, Any],
        reconciled: Place | str = "",
        files: Sequence[str] = (),
        tick_file: str = os.devnull,
    ) -> None:
        self._encode_data, self._model = encode_data, model
        self._label2id = None if label2id is None else dict(label2id)
        self._features, self._files, self._tick_file = dict(features), tuple(files), tick_file
        self._reconciled = str(reconciled)

    def __call__(self, batch: Batch) -> pa.Table:
        """Encodes a batch of ids into columns; rejected ids give no row.

        Files of a home in S3 are on this machine only as long as their batch.
        """
        with storage_of(self._reconciled).at_hand(self._reconciled, batch[GUID], self._files) as folder:
            try:
                return self._encode(batch, folder)
            except PrepareError as error:
                raise type(error)(str(error).replace(folder, self._reconciled)) from error

    def _encode(self, batch: Batch, folder: str) -> pa.Table:
        table = self.table({guid: {name: join(folder, guid, name) for name in self._files} for guid in batch[GUID]})
        tick(self._tick_file, len(batch[GUID]))
        return table

    def table(self, instances: Mapping[str, Mapping[str, str]], unreadable: dict[str, str] | None = None) -> pa.Table:
        """Encodes ids, given their files' paths by name, into columns.

        Args:
            instances: Paths by name, by id.
            unreadable: Takes, by id, why encode_data raised, and the id is dropped; None lets the error through.

        Raises:
            PrepareError: encode_data breaks its contract.
            UnreadableError: It raised on an id's files.
        """
        columns: Batch = {name: [] for name in (*OWN_COLUMNS, *self._features)}
        for guid, instance in instances.items():
            try:
                examples = examples_of(self._encode_data, instance, self._label2id, self._model, f"id {guid}")
            except UnreadableError as error:
                if unreadable is None or isinstance(error.__cause__, MemoryError):
                    raise
                unreadable[guid] = str(error)
                continue
            for example in examples:
                columns[GUID].append(guid)
                columns[TRUNCATED].append(example.pop(TRUNCATED, None))
                self._check_names(guid, example)
                for name, value in example.items():
                    columns[name].append(value)
        features = {**OWN_COLUMNS, **self._features}
        return pa.table({name: _column(name, columns[name], kind, columns[GUID]) for name, kind in features.items()})

    def _check_names(self, guid: str, example: Mapping[str, Any]) -> None:
        if example.keys() != self._features.keys():
            missing = sorted(self._features.keys() - example.keys())
            unknown = sorted(map(str, example.keys() - self._features.keys()))
            pairs = ((name, difflib.get_close_matches(name, missing, n=1, cutoff=0.5)) for name in unknown)
            near = "".join(f"; for {name}, did you mean {found[0]}?" for name, found in pairs if found)
            raise PrepareError(
                f"encode_data must return the features of get_dataset_features, but for id {guid} "
                f"missing: {', '.join(missing) or 'none'}; not among them: {', '.join(unknown) or 'none'}{near}"
            )


def examples_of(
    encode_data: EncodeData,
    instance: Mapping[str, str],
    label2id: dict[str, int] | None,
    model: Mapping[str, Any],
    what: str,
) -> list[dict[str, Any]]:
    """Calls encode_data and gives its examples: none for a rejected id, one, or several.

    Args:
        encode_data: The experiment's function.
        instance: Paths of one id's files by name.
        label2id: Class id of each label; None where there are no labels.
        model: The config's model section.
        what: What the error calls the id.

    Raises:
        UnreadableError: encode_data raised. An error that is meant for the user already stays as it is.
        PrepareError: It returned something else.
    """
    try:
        encoded = call_with(model, encode_data, Given(f"{what} has no file", instance), label2id)
    except FinetuneError:  # not the id's fault: a checkpoint that cannot be found, for example
        raise
    except Exception as error:
        raise UnreadableError(
            f"{raised('encode_data', error)} for {what} with {', '.join(instance.values())}; "
            f"{missing_key(error) or MEND}"
        ) from error
    found = [] if encoded is None else encoded if isinstance(encoded, list) else [encoded]
    if not all(isinstance(example, Mapping) for example in found):
        raise PrepareError(
            f"encode_data must return a dict of features, a list of such dicts, or None, but for {what} "
            f"it returned {type(encoded).__name__} ({encoded!r:.200})"
        )
    return [dict(example) for example in found]


def _column(name: str, values: list[Any], feature: Any, guids: Sequence[str]) -> pa.Array:
    """The values as Arrow holds this feature; a value that does not fit is looked for and named."""
    try:
        array = pa.array(TypedSequence(values, type=feature))
    except _MISFITS as error:
        guid, value, reason = next(_misfits(values, feature, guids), (guids[0], values[0], error))
        raise PrepareError(
            f"encode_data's value of {name} must fit {feature}, but for id {guid} it is {value!r:.200} ({reason})"
        ) from error
    if array.null_count and name != TRUNCATED:
        guid = guids[array.is_null().to_pylist().index(True)]
        raise PrepareError(f"encode_data's value of {name} must fit {feature}, but for id {guid} it is None")
    return array


def _misfits(values: list[Any], feature: Any, guids: Sequence[str]) -> Iterator[tuple[str, Any, Exception]]:
    for guid, value in zip(guids, values, strict=True):
        try:
            pa.array(TypedSequence([value], type=feature))
        except _MISFITS as error:
            yield guid, value, error
