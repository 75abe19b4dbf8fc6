"""The labels' source with its references filled in; in a URL a value may hold any characters."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from finetune.config.production import LabelsConfig
from finetune.config.references import Reference, reference_faults, references_in
from finetune.config.section import REFERENCE
from finetune.errors import ConfigError, FinetuneError
from finetune.storage.uri import is_s3

Reader = Callable[[str, str | None], str]
"""Takes the name of a secret and one of its keys, or None for the whole text; gives the value.

Raises:
    ConfigError: There is no such secret or key.
    UnreachableError: The secret store cannot be reached, or does not let this caller read the secret.
"""
Readers = Mapping[str, Reader]
"""The reader of each secret store: `zenml`, `aws`."""
NO_STORES: Readers = MappingProxyType({})

HIDDEN = "***"
# Stands for a value while a URL is taken apart; digits, so that it may be a port.
_STANDS_FOR = "9173504628{:03d}"


@dataclass(frozen=True)
class Filled:
    """What is read, and what messages show instead of the values that none may show."""

    url: str | None
    params: dict[str, str]
    secrets: dict[str, str]
    """By value: the reference that it was read from, or `***`."""


def fill(source: LabelsConfig, readers: Readers) -> Filled:
    """Reads what the references stand for, each once.

    Raises:
        ConfigError: A reference cannot be filled in; the message names config key and reference.
        UnreachableError: As `Reader`.
    """
    texts = {f"params.{name}": text for name, text in source.params.items()}
    if source.url is not None:
        texts["url"] = source.url
    values: dict[str, str] = {}
    for key, text in texts.items():
        values |= _values(f"production.labels.{key}", text, values, readers)
    url = None if source.url is None else fill_url(source.url, values)
    params = {name: _put(text, values) for name, text in source.params.items()}
    hidden = dict.fromkeys(_passwords(url), HIDDEN)
    return Filled(url, params, hidden | {value: reference for reference, value in values.items()})


def fill_url(url: str, values: Mapping[str, str]) -> str:
    """The URL with its references replaced by values.

    A value that is a user, a password or an option is percent-encoded, as it must be there; one that is a host, a
    port or a path is not, since nothing decodes it there; a URL that is one reference is used as it is.
    """
    if is_s3(url) or REFERENCE.fullmatch(url):
        return _put(url, values)
    encoded = _to_encode(url)
    return _put(url, {text: quote(value, safe="") if text in encoded else value for text, value in values.items()})


def _passwords(url: str | None) -> set[str]:
    """The passwords in a URL, which may have come with it out of one reference."""
    try:
        parsed = make_url(url or "")
    except (ArgumentError, ValueError):
        return set()
    return {each for each in (parsed.password, *parsed.normalized_query.get("password", ())) if each}


def _to_encode(url: str) -> set[str]:
    """The references in the parts of a URL that are decoded when it is read."""
    numbers = {each.text: _STANDS_FOR.format(number) for number, each in enumerate(references_in(url))}
    try:
        parsed = make_url(_put(url, numbers))
    except (ArgumentError, ValueError):
        return set()
    options = [text for each in parsed.normalized_query.values() for text in each]
    decoded = " ".join([parsed.username or "", parsed.password or "", *options])
    return {text for text, number in numbers.items() if number in decoded}


def _put(text: str, values: Mapping[str, str]) -> str:
    return REFERENCE.sub(lambda match: values[match[0]], text)


def _values(key: str, text: str, known: Mapping[str, str], readers: Readers) -> dict[str, str]:
    faults = reference_faults(text, secret=True)
    if faults:
        raise ConfigError("\n".join(f"{key}: {fault}" for fault in faults))
    new = {each.text: each for each in references_in(text) if each.text not in known}
    return {text: _value(key, reference, readers) for text, reference in new.items()}


def _value(key: str, reference: Reference, readers: Readers) -> str:
    if reference.kind == "env":
        return os.environ[reference.name]
    if reference.kind not in readers:
        raise ConfigError(f"{key}: {reference.text}: no secret store is read here; use ${{env:NAME}}")
    try:
        return readers[reference.kind](reference.name, reference.key)
    except FinetuneError as error:
        raise type(error)(f"{key}: {reference.text}: {error}") from None
