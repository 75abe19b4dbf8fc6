"""Encodes files at home into a dataset: `datasets.Dataset.map` over encode_data, batched and in parallel processes."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import datasets

from finetune.errors import PrepareError
from finetune.prepare.ticks import tick, ticks

EncodeData = Callable[[dict[str, str], dict[str, int] | None, dict[str, Any]], Any]
Batch = dict[str, list[Any]]

GUID = "guid"
TRUNCATED = "truncated"


class Encoded(NamedTuple):
    """The encoded dataset, and what happened on the way."""

    dataset: datasets.Dataset
    truncated: list[tuple[str, bool]] | None
    """Guid and truncated or not, per example; None if encode_data does not say."""


def encode(
    guids: Sequence[str],
    *,
    reconciled: Path,
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
        processes: Processes that encode at the same time.
        batch_size: Ids encoded between two writes.
        scratch: Folder for Arrow files, which the result is mapped from.

    Raises:
        PrepareError: encode_data raised (names the id and its files) or gave other features than promised.
    """
    paths = {name: [str(reconciled / guid / name) for guid in guids] for name in files_at_home}
    source = datasets.Dataset.from_dict({GUID: list(guids), **paths})
    with ticks("encode", len(guids)) as tick_file:
        encoder = Encoder(encode_data, dict(features), dict(label2id), dict(model), tuple(files_at_home), tick_file)
        dataset = source.map(
            encoder,
            batched=True,
            batch_size=batch_size,
            num_proc=processes if processes > 1 else None,
            remove_columns=source.column_names,
            features=datasets.Features({GUID: datasets.Value("string"), TRUNCATED: datasets.Value("bool"), **features}),
            cache_file_name=str(scratch / "encoded.arrow"),
            load_from_cache_file=False,
            new_fingerprint="encoded",  # hashing the functions would import and pickle half of transformers
        )
    said = list(zip(dataset[GUID], dataset[TRUNCATED], strict=True))
    unsaid = any(truncated is None for _, truncated in said)
    return Encoded(dataset.remove_columns(TRUNCATED), None if unsaid else said)


class Encoder:
    """Encodes one batch of ids; picklable, so that it travels to the processes of `map`."""

    def __init__(
        self,
        encode_data: EncodeData,
        features: Mapping[str, Any],
        label2id: Mapping[str, int],
        model: Mapping[str, Any],
        files: Sequence[str],
        tick_file: str,
    ) -> None:
        self._encode_data, self._label2id, self._model = encode_data, dict(label2id), dict(model)
        self._names, self._files, self._tick_file = frozenset(features), files, tick_file

    def __call__(self, batch: Batch) -> Batch:
        """Encodes a batch of paths into columns; rejected ids give no row."""
        columns: Batch = {name: [] for name in (GUID, TRUNCATED, *self._names)}
        for index, guid in enumerate(batch[GUID]):
            instance = {name: batch[name][index] for name in self._files}
            for example in self._examples(guid, instance):
                columns[GUID].append(guid)
                columns[TRUNCATED].append(example.pop(TRUNCATED, None))
                self._check_names(guid, example)
                for name, value in example.items():
                    columns[name].append(value)
        tick(self._tick_file, len(batch[GUID]))
        return columns

    def _examples(self, guid: str, instance: dict[str, str]) -> list[dict[str, Any]]:
        try:
            encoded = self._encode_data(dict(instance), self._label2id, self._model)
        except Exception as error:
            raise PrepareError(
                f"encode_data raised {type(error).__name__}: {error} for id {guid} with {', '.join(instance.values())}; "
                f"mend the file, or let encode_data return None to drop the id"
            ) from error
        if encoded is None:
            return []
        return [dict(example) for example in (encoded if isinstance(encoded, list) else [encoded])]

    def _check_names(self, guid: str, example: Mapping[str, Any]) -> None:
        if example.keys() != self._names:
            missing = ", ".join(sorted(self._names - example.keys())) or "none"
            unknown = ", ".join(sorted(example.keys() - self._names)) or "none"
            raise PrepareError(
                f"encode_data must return the features of get_dataset_features, but for id {guid} "
                f"missing: {missing}; not among them: {unknown}"
            )


def rejected(guids: Sequence[str], dataset: datasets.Dataset) -> list[str]:
    """The ids that encode_data dropped."""
    encoded = set(dataset[GUID])
    return [guid for guid in guids if guid not in encoded]


def truncated_shares(
    truncated: Sequence[tuple[str, bool]] | None, labels: Mapping[str, str]
) -> dict[str, float] | None:
    """Share of truncated examples per label, in order of label; None if encode_data does not say."""
    if truncated is None:
        return None
    totals = Counter(labels[guid] for guid, _ in truncated)
    cut = Counter(labels[guid] for guid, was_cut in truncated if was_cut)
    return {label: cut[label] / total for label, total in sorted(totals.items())}
