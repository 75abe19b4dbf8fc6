"""What dynamic pipelines have in common with static ones only if it is asked for."""

import os

THRESHOLD = "ZENML_PARAMETER_SIZE_THRESHOLD"


def values_as_parameters() -> None:
    """From here on, what a step is called with is a parameter of it, as in a static pipeline.

    Else each value becomes an artifact of its own: steps would share no cache with those of static pipelines.
    """
    os.environ.setdefault(THRESHOLD, "-1")
