"""SageMaker's API on this machine, in which submitted jobs really run. README.md says what is real."""

from rehearsal.session import Rehearsal
from rehearsal.settings import Image, Settings

__all__ = ["Image", "Rehearsal", "Settings"]
