"""`--set a.b=value`: one value of the config, given on the command line."""

import re
from collections.abc import Sequence

from finetune.config.fields import Spot
from finetune.config.lines import parse
from finetune.config.located import KeyPath, Located, Place, Problem
from finetune.config.merge import merge, nest

FORM = re.compile(r"([\w-]+(?:\.[\w-]+)*)=(.*)", re.DOTALL)


def override(tree: Located, overrides: Sequence[str], root: Spot, problems: list[Problem]) -> Located:
    """Return the tree with each override laid over it; later ones win.

    Args:
        tree: The config as its files give it.
        overrides: Texts of the form `train.epochs=3`; the value is read as YAML.
        root: What the models say; it decides whether an override may be repeated in an error.
        problems: Overrides of a wrong form are appended here.
    """
    for text in overrides:
        layer = _layer(text, root, problems)
        tree = tree if layer is None else merge(tree, layer).moved(tree.place)
    return tree


def _layer(text: str, root: Spot, problems: list[Problem]) -> Located | None:
    form = FORM.fullmatch(text)
    if form is None:
        # Only the start is repeated: what follows may be a password.
        start = re.match(r"[\w.-]*", text)
        place = Place(f"--set {start[0] if start else ''}")
        problems.append(Problem(place, (), "must be KEY=VALUE, for example train.epochs=3"))
        return None
    path: KeyPath = tuple(form[1].split("."))
    place = Place(f"--set {form[1]}" if _hidden(root, path) else f"--set {text}")
    leaf = parse(form[2], lambda _: place, problems, path)
    return None if leaf is None else nest(path, leaf, place)


def _hidden(spot: Spot, path: KeyPath) -> bool:
    for key in path:
        spot = spot.below(key)
    return spot.hidden
