"""The forms of requests and answers: which of them a Content-Type or an Accept header names."""

from collections.abc import Iterator
from enum import StrEnum

from finetune.serving.refused import RequestError


class Form(StrEnum):
    """A form, by its media type."""

    JSON = "application/json"
    JSON_LINES = "application/jsonlines"
    CSV = "text/csv"


NAMES: dict[str, Form] = {
    **{form.value: form for form in Form},
    "application/jsonl": Form.JSON_LINES,
    "application/x-jsonlines": Form.JSON_LINES,
    "application/x-ndjson": Form.JSON_LINES,
}
UTF_8 = {"", "utf-8", "utf8", "us-ascii", "ascii"}
KNOWN = ", ".join(Form)


def form_of(content_type: str) -> Form:
    """The form that a Content-Type names.

    Raises:
        RequestError: It names another one (415), or another charset than UTF-8.
    """
    name, parameters = _parts(content_type)
    form = _form(name)
    if form is None:
        raise RequestError(415, f"Content-Type: must be one of {KNOWN}, but got {content_type[:100]!r}")
    if parameters.get("charset", "").lower() not in UTF_8:
        raise RequestError(415, f"Content-Type: the charset must be utf-8, but got {parameters['charset'][:100]!r}")
    return form


def accepted(accept: str, asked: Form) -> Form:
    """The form of the answer: of those that Accept names the likeliest one that is known, else that of the request.

    Args:
        accept: The header; empty, or `*/*`, takes any.
        asked: The form of the request.

    Raises:
        RequestError: It takes none that is known (406).
    """
    if not accept.strip():
        return asked
    wanted = sorted(((_quality(part), name) for name, part in _names(accept)), key=lambda pair: -pair[0])
    for quality, name in wanted:
        found: list[Form] = [form for form in (asked, *Form) if quality > 0 and _matches(name, form)]
        if found:
            return found[0]
    raise RequestError(406, f"Accept: must take one of {KNOWN}, but got {accept[:100]!r}")


def _form(name: str) -> Form | None:
    return NAMES.get(name)


def _names(accept: str) -> Iterator[tuple[str, dict[str, str]]]:
    return (_parts(part) for part in accept.split(","))


def _matches(name: str, form: Form) -> bool:
    return name in ("*/*", f"{form.partition('/')[0]}/*") or _form(name) == form


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", 1))
    except ValueError:
        return 0.0


def _parts(header: str) -> tuple[str, dict[str, str]]:
    """A media type in small letters, and its parameters."""
    name, *rest = header.split(";")
    pairs = (part.partition("=") for part in rest)
    return name.strip().lower(), {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
