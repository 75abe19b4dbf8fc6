"""Decides which models share a dataset: those that agree on all that encode_data reads of their sections. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Reads = frozenset[str] | None
"""Keys of a model section that encode_data read in a trial, there or not; None if it may have read all."""

ABSENT = ""
"""No JSON text is empty."""


@dataclass(frozen=True)
class Group:
    """Models that share a dataset."""

    models: Sequence[str]
    section: Mapping[str, Any]
    """The keys on which all of them agree."""
    differing: Mapping[str, list[str]]
    """The models by each key on which they do not."""


def groups(sections: Mapping[str, Mapping[str, Any]], reads: Mapping[str, Reads]) -> list[Group]:
    """The models in groups that encode alike; groups and models in the order of the config.

    Args:
        sections: Model section by model.
        reads: What encode_data reads of each; one that is missing was not tried, so it may read all.
    """
    found: dict[object, list[str]] = {}
    for name, section in sections.items():
        found.setdefault(_what_encodes(section, reads.get(name)), []).append(name)
    return [_group(names, {name: sections[name] for name in names}) for names in found.values()]


def _what_encodes(section: Mapping[str, Any], reads: Reads) -> object:
    """Equal for models on which encode_data does the same: it reads the same keys, and finds the same there."""
    keys = sorted(section if reads is None else reads, key=str)
    return reads is None, tuple((key, _text(section, key)) for key in keys)


def _group(names: list[str], sections: Mapping[str, Mapping[str, Any]]) -> Group:
    keys = dict.fromkeys(key for section in sections.values() for key in section)
    differing = {key: names for key in keys if len({_text(section, key) for section in sections.values()}) > 1}
    first = sections[names[0]]
    return Group(names, {key: value for key, value in first.items() if key not in differing}, differing)


def _text(section: Mapping[str, Any], key: str) -> str:
    """The value as JSON, which tells 1 from true and from 1.0."""
    return json.dumps(section[key], sort_keys=True) if key in section else ABSENT
