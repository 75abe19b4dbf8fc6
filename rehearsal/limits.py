"""What a rehearsal may be told while it runs: quotas, buckets of others, small machines, faults of the service."""

import threading
from dataclasses import dataclass, field, fields
from fnmatch import fnmatch
from typing import Any

from rehearsal.errors import ServiceError


@dataclass
class Limits:
    """All empty at the start. Job names are patterns as for file names.

    quotas: name of the quota, such as `ml.g5.xlarge for training job usage` -> number of instances.
    foreign_buckets: buckets that belong to another account.
    memory_mb, disk_mb: job name -> size of its instance's memory, and of the file systems below /opt/ml it writes to.
    s3_unavailable, s3_resets: the next so many S3 requests of clients and jobs are answered 503, or cut off.
    expired_token: every signed request of a client is refused.
    records_throttled, records_ms: share of the calls of the feature store's runtime that are answered
    ThrottlingException, and how long each takes beside its work.
    """

    quotas: dict[str, int] = field(default_factory=dict)
    foreign_buckets: list[str] = field(default_factory=list)
    memory_mb: dict[str, int] = field(default_factory=dict)
    disk_mb: dict[str, int] = field(default_factory=dict)
    s3_unavailable: int = 0
    s3_resets: int = 0
    expired_token: bool = False
    records_throttled: float = 0.0
    records_ms: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def change(self, values: dict[str, Any]) -> None:
        """Sets some of them.

        Raises:
            ServiceError: One is unknown.
        """
        known = {each.name for each in fields(self)} - {"_lock"}
        for name, value in values.items():
            if name not in known:
                raise ServiceError(
                    "ValidationException", f"no limit is called {name}; there are {', '.join(sorted(known))}"
                )
            setattr(self, name, value)

    def take(self, fault: str) -> bool:
        """Whether one more request gets this fault; counts it down."""
        with self._lock:
            left = int(getattr(self, fault))
            if left > 0:
                setattr(self, fault, left - 1)
            return left > 0


def of_job(sizes: dict[str, int], name: str) -> int | None:
    """The size whose pattern fits the job's name; the first one that does."""
    return next((size for pattern, size in sizes.items() if fnmatch(name, pattern)), None)
