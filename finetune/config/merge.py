"""Lay one config over another: mappings are merged, everything else is replaced."""

from finetune.config.located import KeyPath, Located, Place


def merge(below: Located, above: Located) -> Located:
    """Return above laid over below; lists and scalars of above win as a whole.

    Each value keeps the place at which it was written. A mapping that both have takes the place of above.
    """
    if not isinstance(below.value, dict) or not isinstance(above.value, dict):
        return above
    merged = dict(below.value)
    for key, child in above.value.items():
        merged[key] = merge(merged[key], child) if key in merged else child
    return Located(merged, above.place)


def nest(path: KeyPath, leaf: Located, place: Place) -> Located:
    """Return {a: {b: leaf}} for the path ("a", "b")."""
    for key in reversed(path):
        leaf = Located({str(key): leaf}, place)
    return leaf
