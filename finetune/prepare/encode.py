"""Encodes files at home into a dataset: `datasets.Dataset.map` over encode_data, batched and in parallel processes."""

import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import datasets

from finetune.errors import PrepareError
from finetune.prepare.columns import GUID, OWN_COLUMNS, TRUNCATED
from finetune.prepare.encoder import EncodeData, Encoder
from finetune.prepare.ticks import ticks
from finetune.storage.uri import Place
from finetune.variables import variables

TOKENIZERS = "TOKENIZERS_PARALLELISM"


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
