"""Encodes files at home into a dataset: `datasets.Dataset.map` over encode_data, batched and in parallel processes."""

import difflib
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import pyarrow as pa
from datasets.arrow_writer import TypedSequence

from finetune.calls import Given, missing_key, raised
from finetune.errors import FinetuneError, PrepareError, UnreadableError
from finetune.prepare.ticks import tick, ticks
from finetune.prepare.watched import call_with
from finetune.storage.storage import storage_of
from finetune.storage.uri import Place, join
from finetune.variables import variables

EncodeData = Callable[[dict[str, str], dict[str, int] | None, dict[str, Any]], Any]
Batch = dict[str, list[Any]]

GUID = "guid"
LABELS = "labels"
TRUNCATED = "truncated"
TOKENIZERS = "TOKENIZERS_PARALLELISM"
OWN_COLUMNS = {GUID: datasets.Value("string"), TRUNCATED: datasets.Value("bool")}

MEND = (
    "mend functions.py, or the file in production (not its copy), or let encode_data return None to leave such ids out"
)
_MISFITS = (pa.ArrowException, TypeError, ValueError, OverflowError, AttributeError, KeyError)
"""What a conversion to Arrow raises for values of another type."""


class Encoded(NamedTuple):
    """The encoded dataset, and what happened on the way."""

    dataset: datasets.Dataset
    truncated: list[tuple[str, bool]] | None
    """Guid and truncated or not, per example; None if encode_data does not say."""


def encode(
    guids: Sequence[str],
    *,
    reconciled: Place,
    files_at_home: Sequence[str],
    encode_data: EncodeData,
    features: datasets.Features,
    label2id: Mapping[str, int],
    model: Mapping[str, Any],
    processes: int,
    batch_size: int,
    scratch: Path,
) -> Encoded:
    """Encodes ids in the given order; the columns are guid and the features, a row per example.

    Args:
        guids: The ids to encode.
        reconciled: The folder of all ids at home.
        files_at_home: Names of the files that encode_data gets the paths of.
        encode_data: The experiment's function.
        features: What encode_data must give.
        label2id: Class id of each label.
        model: The config's model section, handed to encode_data.
        processes: Processes that encode at the same time, at most.
        batch_size: Ids encoded between two writes.
        scratch: Folder for Arrow files, which the result is mapped from.

    Raises:
        PrepareError: encode_data raised (names the id and its files) or gave other features than promised, or a
            process died.
    """
    source = datasets.Dataset.from_dict({GUID: list(guids)})
    processes = min(processes, math.ceil(len(guids) / batch_size))
    with ticks("encode", len(guids)) as tick_file, _without_traces(), _deaths_explained(processes):
        dataset = source.map(
            Encoder(encode_data, features, label2id, model, reconciled, files_at_home, tick_file),
            batched=True,
            batch_size=batch_size,
            num_proc=processes if processes > 1 else None,
            remove_columns=source.column_names,
            features=datasets.Features({**OWN_COLUMNS, **features}),
            cache_file_name=str(scratch / "encoded.arrow"),
            load_from_cache_file=False,
            new_fingerprint="encoded",  # hashing the functions would import and pickle half of transformers
        )
    said = list(zip(dataset[GUID][:], dataset[TRUNCATED][:], strict=True))
    unsaid = any(truncated is None for _, truncated in said)
    return Encoded(dataset.remove_columns(TRUNCATED), None if unsaid else said)


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


@contextmanager
def _without_traces() -> Iterator[None]:
    """Draws no bar, and keeps os.environ: with processes, `map` puts a copy in its place that hears of no change."""
    shown, environment = not datasets.are_progress_bars_disabled(), os.environ
    datasets.disable_progress_bars()
    with variables({TOKENIZERS: environment.get(TOKENIZERS)}):
        try:
            yield
        finally:
            os.environ = environment  # noqa: B003 - the object itself comes back, its variables were never lost
            if shown:
                datasets.enable_progress_bars()


@contextmanager
def _deaths_explained(processes: int) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if "abruptly died" not in str(error):
            raise
        raise PrepareError(
            f"one of the {processes} processes that encode was killed, most often because memory ran out; "
            f"lower prepare.processes or prepare.batch_size"
        ) from error


def truncated_shares(
    truncated: Sequence[tuple[str, bool]] | None, labels: Mapping[str, str]
) -> dict[str, float] | None:
    """Share of truncated examples per label, in order of label; None if encode_data does not say."""
    if truncated is None:
        return None
    totals = Counter(labels[guid] for guid, _ in truncated)
    cut = Counter(labels[guid] for guid, was_cut in truncated if was_cut)
    return {label: cut[label] / total for label, total in sorted(totals.items())}
