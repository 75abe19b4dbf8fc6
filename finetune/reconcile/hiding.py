"""Keeps secrets out of messages: what a database driver says may quote a value that it was given."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, quote_plus

from finetune.errors import FinetuneError, ReconcileError

_SHORT = 4


@contextmanager
def hiding(secrets: Mapping[str, str]) -> Iterator[None]:
    """Raises what happens inside without secret values, and without the errors behind it, which may quote them too.

    Args:
        secrets: What is shown instead of each value.

    Raises:
        FinetuneError: Of the same class; any other exception becomes a ReconcileError.
    """
    try:
        yield
    except Exception as error:
        if not any(secrets):
            raise
        kind = type(error) if isinstance(error, FinetuneError) else ReconcileError
        said = str(error) if isinstance(error, FinetuneError) else f"production.labels: {type(error).__name__}: {error}"
        raise kind(hidden(said, secrets)) from None


def hidden(text: str, secrets: Mapping[str, str]) -> str:
    """The text with what is shown instead of each value, also where the value is percent-encoded or escaped.

    A value of less than 4 characters is replaced only where it stands alone: it would tear words apart.
    """
    shown = {form: instead for value, instead in secrets.items() if value for form in _forms(value)}
    if not shown:
        return text
    pattern = "|".join(map(_pattern, sorted(shown, key=len, reverse=True)))
    return re.sub(pattern, lambda match: shown[match[0]], text)


def _forms(value: str) -> tuple[str, ...]:
    return value, quote(value, safe=""), quote_plus(value), repr(value)[1:-1]


def _pattern(form: str) -> str:
    return re.escape(form) if len(form) >= _SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"
