"""The error of this room."""

from finetune.errors import FinetuneError


class ImageError(FinetuneError):
    """An image cannot be named, built or pushed."""
