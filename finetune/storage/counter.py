"""How often this process tried a request to S3 again; needs no S3 package, so that any summary can say it."""

import threading


class Counter:
    """How often something was tried again in this process; safe to use from several threads."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def add(self) -> None:
        """Counts one more."""
        with self._lock:
            self.count += 1


RETRIES = Counter()
