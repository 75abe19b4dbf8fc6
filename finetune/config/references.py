"""References: `${env:NAME}` is filled in at load; in keys for secrets it stays, like `${zenml:...}` and `${aws:...}`"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from finetune.config.fields import Spot
from finetune.config.lines import parse
from finetune.config.located import KeyPath, Located, Problem
from finetune.config.section import REFERENCE
from finetune.errors import ConfigError

OPENING = re.compile(r"\$\{([a-z]+):")
"""How every reference begins; its group is the kind."""
FORMS = {
    "env": "${env:NAME}, where NAME has letters, digits and _ only",
    "zenml": "${zenml:SECRET.KEY}",
    "aws": "${aws:SECRET.KEY}, or ${aws:SECRET} for a secret that is one text",
}
ANY_FORM = "${env:NAME}, ${zenml:SECRET.KEY} or ${aws:SECRET.KEY}"


@dataclass(frozen=True)
class Reference:
    """One reference, taken apart."""

    text: str
    """As it is written."""
    kind: str
    """env, zenml or aws."""
    name: str
    """The variable, or the secret."""
    key: str | None
    """The secret's key; None stands for all of its text, or for a variable."""


def references_in(text: str) -> Iterator[Reference]:
    """Yield the references in text."""
    for match in REFERENCE.finditer(text):
        found = match.groupdict()
        kind = next(kind for kind in FORMS if found[kind] is not None)
        yield Reference(match[0], kind, found[kind], found.get(f"{kind}_key"))


def resolve(text: str) -> str:
    """Return text with each `${env:NAME}` replaced by the environment's value.

    Raises:
        ConfigError: A variable is not set, or a reference is none of these. Nothing else of the text is shown.
    """
    faults = reference_faults(text, secret=False)
    if faults:
        raise ConfigError("\n".join(faults))
    return REFERENCE.sub(lambda match: os.environ[match["env"]], text)


def reference_faults(text: str, *, secret: bool) -> list[str]:
    """Return what keeps the references in text from being filled in, one sentence each.

    Args:
        text: A value of the config.
        secret: It stands in a key for secrets, where references to secret stores are allowed.
    """
    kinds = dict.fromkeys(OPENING.findall(REFERENCE.sub("", text)))
    malformed = [f"a reference must be {FORMS.get(kind, ANY_FORM)}" for kind in kinds]
    found = dict.fromkeys(references_in(text))
    return [*malformed, *(fault for each in found if (fault := _fault(each, secret)))]


def _fault(reference: Reference, secret: bool) -> str | None:
    if reference.kind == "env":
        known = reference.name in os.environ
        return None if known else f"{reference.text}: the variable {reference.name} is not set"
    if secret:
        return None
    return (
        f"{reference.text}: what stands in a secret store may be used only in a key that docs/config.md marks as "
        f"secret; here it would be stored in clear"
    )


def expand(tree: Located, spot: Spot, problems: list[Problem], path: KeyPath = ()) -> Located:
    """Return the tree with references filled in.

    Where a secret may stand the text stays as it is, but its variables must be set. A value that is one
    reference and nothing else is read as YAML, so that numbers work, unless the field takes only text.
    """
    if isinstance(tree.value, dict):
        pairs = tree.value.items()
        return replace(tree, value={k: expand(v, spot.below(k), problems, (*path, k)) for k, v in pairs})
    if isinstance(tree.value, list):
        items = enumerate(tree.value)
        return replace(tree, value=[expand(v, spot.below(i), problems, (*path, i)) for i, v in items])
    if not isinstance(tree.value, str) or not OPENING.search(tree.value):
        return tree
    return _filled(tree, tree.value, spot, problems, path)


def _filled(tree: Located, text: str, spot: Spot, problems: list[Problem], path: KeyPath) -> Located:
    faults = reference_faults(text, secret=spot.hidden)
    problems.extend(Problem(tree.place, path, fault) for fault in faults)
    if faults or spot.hidden:
        return tree
    filled = Located(resolve(text), tree.place, text, referenced=True)
    if spot.is_text or not REFERENCE.fullmatch(text):
        return filled
    # The parser's own words may quote the value, so they are not passed on.
    unshown: list[Problem] = []
    typed = parse(filled.value, lambda _: tree.place, unshown)
    if typed is None or unshown:
        problems.append(Problem(tree.place, path, f"the value of {text} must be YAML; correct the variable"))
        return tree
    return _marked(typed, text)


def _marked(tree: Located, text: str) -> Located:
    value = tree.value
    if isinstance(value, dict):
        value = {key: _marked(child, text) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_marked(child, text) for child in value]
    return Located(value, tree.place, text, referenced=True)
