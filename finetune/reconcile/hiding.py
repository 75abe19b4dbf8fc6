"""Keeps secrets out of messages: what a database driver says may quote a value that it was given."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

from finetune.errors import FinetuneError, ReconcileError

HIDDEN = "***"
_SHORT = 4


@contextmanager
def hiding(values: Iterable[str]) -> Iterator[None]:
    """Raises what happens inside without these values, and without the errors behind it, which may quote them too.

    Raises:
        FinetuneError: Of the same class; any other exception becomes a ReconcileError.
    """
    secrets = [value for value in values if value]
    try:
        yield
    except Exception as error:
        if not secrets:
            raise
        kind = type(error) if isinstance(error, FinetuneError) else ReconcileError
        said = str(error) if isinstance(error, FinetuneError) else f"production.labels: {type(error).__name__}: {error}"
        raise kind(hidden(said, secrets)) from None


def hidden(text: str, values: Iterable[str]) -> str:
    """The text with *** for each value, also where it is percent-encoded or escaped.

    A value of less than 4 characters is replaced only where it stands alone: it would tear words apart.
    """
    forms = {form for value in values for form in (value, quote(value, safe=""), quote_plus(value), repr(value)[1:-1])}
    for form in sorted(forms, key=len, reverse=True):
        pattern = re.escape(form) if len(form) >= _SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"
        text = re.sub(pattern, HIDDEN, text)
    return text
