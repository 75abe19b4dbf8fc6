"""A feature group: its name, record identifier, event time and typed features, and how two of them differ. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from finetune.errors import FeatureStoreError


class Kind(StrEnum):
    """The type of a feature, by SageMaker's names."""

    STRING = "String"
    INTEGRAL = "Integral"
    FRACTIONAL = "Fractional"


OWN = ("write_time", "api_invocation_time", "is_deleted")
"""Columns that the offline layout adds to a record."""


@dataclass(frozen=True)
class Group:
    """The schema of a feature group."""

    name: str
    identifier: str
    """The feature, a text, that says whose record it is."""
    event_time: str
    """The feature, a text such as 2026-11-22T00:49:55.000Z, that says from when on it holds."""
    features: Mapping[str, Kind]
    """The others, by name."""

    @property
    def definitions(self) -> dict[str, Kind]:
        """All features, the identifier and the event time first."""
        return {self.identifier: Kind.STRING, self.event_time: Kind.STRING, **self.features}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON holds them."""
        return {
            "name": self.name,
            "identifier": self.identifier,
            "event_time": self.event_time,
            "features": {name: str(kind) for name, kind in self.features.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Group":
        """The same again."""
        features = {name: Kind(kind) for name, kind in values["features"].items()}
        return cls(values["name"], values["identifier"], values["event_time"], features)


def differences(wanted: Group, there: Group) -> list[str]:
    """What of a group that is there differs from the wanted one: a sentence each, in order of name; none if equal."""
    return list(_differences(wanted, there))


def refuse_other_schema(wanted: Group, there: Group) -> None:
    """Refuses to use a group whose schema is another one.

    Raises:
        FeatureStoreError: Names the differing fields.
    """
    wrong = differences(wanted, there)
    if wrong:
        raise FeatureStoreError(
            f"features.group: the group {wanted.name} is there with another schema: {'; '.join(wrong)}; write what "
            f"it has, or give the group another name"
        )


def _differences(wanted: Group, there: Group) -> Iterator[str]:
    for what, has, asked in (
        ("record_identifier", there.identifier, wanted.identifier),
        ("event_time", there.event_time, wanted.event_time),
    ):
        if has != asked:
            yield f"{what} is {has} there, but {asked} here"
    for name in sorted({*wanted.features, *there.features}):
        if name not in wanted.features:
            yield f"feature {name} ({there.features[name]}) is only there"
        elif name not in there.features:
            yield f"feature {name} ({wanted.features[name]}) is only here"
        elif wanted.features[name] != there.features[name]:
            yield f"feature {name} is {there.features[name]} there, but {wanted.features[name]} here"
