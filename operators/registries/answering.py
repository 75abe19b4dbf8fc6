"""What a registry's client raises, as one kind of error."""

from collections.abc import Iterator
from contextlib import contextmanager

from finetune.errors import FinetuneError, RegistryError
from finetune.words import one_line


@contextmanager
def answering(registry: str, doing: str) -> Iterator[None]:
    """Around the requests of one verb.

    Raises:
        RegistryError: The registry does not answer, or refuses; a client of another's has many names for that.
    """
    try:
        yield
    except FinetuneError:
        raise
    except Exception as error:
        raise RegistryError(f"{doing} in {registry} failed: {type(error).__name__}: {one_line(error)}") from error
