"""`${env:NAME}`: filled in at load, but for secrets, which are read only where they are used."""

import os
from dataclasses import replace

from finetune.config.fields import Spot
from finetune.config.lines import parse
from finetune.config.located import KeyPath, Located, Problem
from finetune.config.section import REFERENCE
from finetune.errors import ConfigError

OPENING = "${env:"
MALFORMED = "a reference must be ${env:NAME}, where NAME has letters, digits and _ only"


def resolve(text: str) -> str:
    """Return text with each `${env:NAME}` replaced by the environment's value.

    Raises:
        ConfigError: A variable is not set. The message names it and shows nothing else of the text.
    """
    faults = reference_faults(text)
    if faults:
        raise ConfigError("\n".join(faults))
    return REFERENCE.sub(lambda match: os.environ[match[1]], text)


def reference_faults(text: str) -> list[str]:
    """Return what keeps the references in text from being resolved, one sentence each."""
    names = dict.fromkeys(REFERENCE.findall(text))
    faults = [f"${{env:{name}}}: the variable {name} is not set" for name in names if name not in os.environ]
    return [MALFORMED, *faults] if OPENING in REFERENCE.sub("", text) else faults


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
    if not isinstance(tree.value, str) or OPENING not in tree.value:
        return tree
    return _filled(tree, tree.value, spot, problems, path)


def _filled(tree: Located, text: str, spot: Spot, problems: list[Problem], path: KeyPath) -> Located:
    faults = reference_faults(text)
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
