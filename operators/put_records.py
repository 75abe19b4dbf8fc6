"""Puts many records into a SageMaker feature group: side by side, at most so many at a time, and none is lost."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from finetune.progress import track
from operators.transient import is_transient

AwsRecord = list[dict[str, str]]
"""FeatureName and ValueAsString of each feature that has a value."""

THREADS = 24
AGAIN = 3
"""Times that what failed for a moment is put again, after botocore's own retries, by a quarter of the threads."""


def put_records(client: Any, name: str, records: Sequence[AwsRecord], threads: int = THREADS) -> dict[int, str]:
    """Puts each record; one that fails for a moment is put again.

    Args:
        client: Of the feature store's runtime; it repeats what is throttled, with pauses that grow.
        name: The group.
        records: The records.
        threads: Requests at the same time.

    Returns:
        Why a record was not stored, by its number; all others were.
    """
    left, failed = list(range(len(records))), dict[int, Exception]()

    def put(number: int) -> None:
        try:
            client.put_record(FeatureGroupName=name, Record=records[number])
            failed.pop(number, None)
        except (ClientError, BotoCoreError) as error:
            failed[number] = error

    for _ in range(1 + AGAIN):
        with ThreadPoolExecutor(threads) as pool:
            for _ in track(pool.map(put, left), f"put into {name}", len(left), "record"):
                pass
        left, threads = [number for number in left if number in failed and is_transient(failed[number])], threads // 4
        if not left or not threads:
            break
    return {number: str(error) for number, error in sorted(failed.items())}
