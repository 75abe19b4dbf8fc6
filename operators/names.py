"""Names of SageMaker jobs: readable, within AWS's rule, and never the same for two jobs. Pure."""

import hashlib
import re

LONGEST, DIGITS = 63, 12
RUN_LETTERS = 36
"""So much of a run's name stands in the names of its jobs: the step's shall be read, too."""


def job_name(*parts: str) -> str:
    """A name of the form `part-part-<hash>`: at most 63 letters, digits and single hyphens.

    What AWS does not allow becomes a hyphen and what is too long is cut; the hash is that of the parts as they came,
    so that other parts give another name, and the same parts the same.
    """
    digest = hashlib.sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()[:DIGITS]
    start = _cleaned("-".join(parts))[: LONGEST - DIGITS - 1].rstrip("-")
    return "-".join(filter(None, [start, digest]))


def readable_run(run_name: str) -> str:
    """What the names of a run's jobs begin with."""
    return _cleaned(run_name[:RUN_LETTERS])


def _cleaned(text: str) -> str:
    return "-".join(re.findall(r"[a-zA-Z0-9]+", text))
