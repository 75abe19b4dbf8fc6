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


def endpoint_name(experiment: str, run_number: int) -> str:
    """`exp-3333-license-mentions-7`; of an experiment with a long name the middle is cut, and a hash tells it apart."""
    whole = f"{_cleaned(experiment).lower()}-{run_number}"
    if len(whole) <= LONGEST:
        return whole
    end = f"-{hashlib.sha256(experiment.encode()).hexdigest()[:8]}-{run_number}"
    return whole[: LONGEST - len(end)].rstrip("-") + end


def readable_run(run_name: str) -> str:
    """What the names of a run's jobs begin with."""
    return _cleaned(run_name[:RUN_LETTERS])


def _cleaned(text: str) -> str:
    return "-".join(re.findall(r"[a-zA-Z0-9]+", text))
