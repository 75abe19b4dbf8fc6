from typing import Annotated, Literal

from finetune.config.fields import Spot, spot
from finetune.config.section import Secret, Section


class Inner(Section):
    token: Secret | None = None
    tokens: dict[str, Secret] = {}
    listed: list[Secret] = []
    name: Annotated[str, "other mark"] = ""
    size: int | None = None
    kind: Literal["a", "b"] = "a"


class Outer(Section):
    inner: Inner = Inner()
    open: dict[str, float] = {}


def at(*path: str | int) -> Spot:
    place = spot(Outer)
    for key in path:
        place = place.below(key)
    return place


def test_secrets_are_found_by_their_mark() -> None:
    for path in (("token",), ("tokens", "any"), ("listed", 0)):
        assert at("inner", *path).secret
    assert not any(at("inner", name).hidden for name in ("name", "size", "kind"))


def test_what_may_hold_a_secret_is_hidden_with_the_unknown_keys_in_it() -> None:
    assert all(at(*path).hidden for path in ((), ("inner",), ("inner", "tokens"), ("inner", "tokne"), ("unknown", "x")))
    assert not at("open", "x").hidden


def test_text_fields_are_those_that_take_only_strings() -> None:
    assert [at("inner", name).is_text for name in ("token", "name", "kind", "size")] == [
        True,
        True,
        True,
        False,
    ]
    assert not at("unknown").is_text and not at("open").is_text


def test_a_section_knows_its_keys() -> None:
    assert at().keys == ["inner", "open"]
    assert at("open").keys == []
